from dataclasses import replace
from pathlib import Path

import pytest
from plant_fixture import build_plant

from copilot_knowledge.library import Library
from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.manuals import search_manuals
from copilot_tools.plant import Plant

MANUAL = """\
---
document: PU-MAN-1
title: Milk pump manual
revision: "B"
---
# 1 Bearings

Grease the drive end bearing with 18 g every 4000 h.

# 2 Sealing valve

Tighten the clamp nut of the sealing valve to 22 N.m crosswise.
"""


@pytest.fixture
def dairy(tmp_path: Path) -> Plant:
    manuals = tmp_path / "manuals"
    manuals.mkdir()
    (manuals / "pump.md").write_text(MANUAL, encoding="utf-8")
    return replace(build_plant(tmp_path, {}), library=Library.open(manuals))


async def ask(plant: Plant, **arguments: str) -> Findings:
    return await search_manuals.run(plant, search_manuals.check(arguments))


async def test_a_passage_is_quoted_with_its_place(dairy: Plant):
    found = await ask(dairy, query="grease of the drive end bearing", asset="PU-1")
    quote = found.quotes[0]
    assert (quote.document, quote.revision, quote.section) == ("PU-MAN-1", "B", "1 Bearings")
    assert "18 g every 4000 h" in quote.text
    assert found.mentions == ("PU-MAN-1 Milk pump manual",)


async def test_words_that_are_no_machine_are_searched_for(dairy: Plant):
    found = await ask(dairy, query="clamp nut torque", asset="sealing valve")
    assert "22 N.m" in found.quotes[0].text


async def test_a_machine_that_does_not_exist_is_asked_back(dairy: Plant):
    with pytest.raises(Retry, match="PU-9"):
        await ask(dairy, query="grease of the bearing", asset="PU-9")


async def test_what_is_not_covered_is_said_with_what_was_searched(dairy: Plant):
    found = await ask(dairy, query="hydraulic accumulator recharge")
    assert not found.quotes
    assert [(fact.name, fact.value) for fact in found.facts] == [
        ("searched", found.notices[-1].removeprefix("Searched: ").rstrip("."))
    ]
