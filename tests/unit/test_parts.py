from pathlib import Path

import pytest
from plant_fixture import build_plant, part

from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.parts import find_parts
from copilot_tools.plant import Plant

PARTS = [
    part("BRG-6309", "6309-2RS bearing (DE)"),
    part("BRG-6307", "6307-2RS bearing (NDE)"),
    part(
        "SEAL-CN50", "mechanical seal 38 mm", stock=3.0, reserved=1.0, minimum=2.0, bin="A-03-2",
        price=184.5, lead_time_days=12, supplier="Corvus Service",
    ),
    part("SEAL-DP25", "mechanical seal 24 mm", fits=["CV-5"], stock=1.0, reserved=1.0),
    part("OF-55", "oil filter", fits=["CV-5"], stock=0.0),
    part("OIL-46", "compressor oil VG 46, 20 l", unit="can", fits=[]),
    part("PE-M18", "photo eye M18", fits=["CV-5"], supplier="Sensorik"),
]  # fmt: skip


@pytest.fixture
def stores(tmp_path: Path) -> Plant:
    return build_plant(tmp_path, {"parts": PARTS})


async def find(plant: Plant, query: str, asset: str | None = None) -> Findings:
    arguments = {"query": query} | ({"asset": asset} if asset else {})
    return await find_parts.run(plant, find_parts.check(arguments))


def numbers(found: Findings) -> list[str]:
    return [mention.split()[0] for mention in found.mentions]


def test_the_card_is_that_of_the_contract():
    assert find_parts.card() == (
        "find_parts(query, asset?): spare parts: stock, location, price, lead time"
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SEAL-CN50", ["SEAL-CN50"]),
        ("seal cn50", ["SEAL-CN50"]),
        ("SEAL-CN50 mechanical seal 38 mm", ["SEAL-CN50"]),
        ("mechanical seal", ["SEAL-CN50", "SEAL-DP25"]),
        ("mechanical seals", ["SEAL-CN50", "SEAL-DP25"]),
        ("mechancal seel", ["SEAL-CN50", "SEAL-DP25"]),
        ("38mm seal", ["SEAL-CN50"]),
        ("6309 bearing", ["BRG-6309"]),
        ("bearings", ["BRG-6307", "BRG-6309"]),
        ("drive end bearing", ["BRG-6309"]),
        ("drive end bearings", ["BRG-6309"]),
        ("bearing for the milk pump", ["BRG-6307", "BRG-6309"]),
        ("oil filters", ["OF-55"]),
        ("oil", ["OF-55", "OIL-46"]),
        ("photo eyes", ["PE-M18"]),
        ("Sensorik", ["PE-M18"]),
        ("parts for CV-5", ["OF-55", "PE-M18", "SEAL-DP25"]),
        ("out of stock", ["OF-55", "SEAL-DP25"]),
        ("seals below minimum", ["SEAL-DP25"]),
    ],
)
async def test_words_find_parts(stores: Plant, query: str, expected: list[str]):
    assert numbers(await find(stores, query)) == expected


@pytest.mark.parametrize(
    "query", ["6205 bearing", "BRG-6308", "seal for PU-3", "V-belt", "🙂", "0"]
)
async def test_what_is_not_in_stores_is_never_another_part(stores: Plant, query: str):
    found = await find(stores, query)
    assert found.summary == f"No part in stores matches {query!r}."
    assert {fact.name for fact in found.facts} <= {"similar name"}
    assert not found.mentions


async def test_near_names_are_offered_but_not_as_the_answer(stores: Plant):
    found = await find(stores, "6205 bearing")
    assert "BRG-6309 6309-2RS bearing (DE)" in found.notices[0]


async def test_a_machine_narrows_the_search(stores: Plant):
    assert numbers(await find(stores, "mechanical seal", "milk pump")) == ["SEAL-CN50"]
    nothing = await find(stores, "photo eye", "PU-1")
    assert nothing.summary == "No part for PU-1 in stores matches 'photo eye'."
    with pytest.raises(Retry, match="PU-7"):
        await find(stores, "seal", "PU-7")


async def test_a_part_is_told_with_all_its_figures(stores: Plant):
    found = await find(stores, "SEAL-CN50")
    facts = {fact.name: (fact.value, fact.unit) for fact in found.facts}
    assert facts == {
        "part": ("mechanical seal 38 mm", ""),
        "available": (2.0, "pcs"),
        "stock": (3.0, "pcs"),
        "reserved": (1.0, "pcs"),
        "minimum stock": (2.0, "pcs"),
        "bin": ("A-03-2", ""),
        "price": (184.5, "EUR"),
        "lead time": (12, "days"),
        "supplier": ("Corvus Service", ""),
        "fits": ("PU-1, PU-2", ""),
    }
    assert found.facts[0].source.reference == "parts.number=SEAL-CN50"
    assert found.summary == (
        "SEAL-CN50 mechanical seal 38 mm: 2 pcs available in bin A-03-2, 1 pcs reserved, "
        "184.5 EUR, lead time 12 days from Corvus Service."
    )


async def test_a_part_that_ran_out_is_said_to(stores: Plant):
    found = await find(stores, "OF-55")
    assert "none available" in found.summary
    assert "below the minimum of 1 pcs" in found.summary


async def test_at_most_twenty_parts_are_shown_and_all_are_counted(tmp_path: Path):
    plant = build_plant(tmp_path, {"parts": [part(f"F-{i}", "fuse") for i in range(30)]})
    found = await find(plant, "fuses")
    assert len(found.tables[0].rows) == 20
    assert found.tables[0].total == 30
    assert found.notices == ("20 of 30 parts are shown.",)
    assert any(fact.name == "matches" and fact.value == 30 for fact in found.facts)
