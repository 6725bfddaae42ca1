from datetime import timedelta
from pathlib import Path

import pytest
from plant_fixture import NOW, ago, build_plant, production_order, purchase_order

from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.orders import list_orders
from copilot_tools.plant import Plant

PRODUCTION = [
    production_order(
        "PRD-1", "yoghurt 150 g", status="done", due=ago(hours=20), finished=ago(hours=22),
        produced=1000,
    ),
    production_order("PRD-2", "yoghurt 500 g", status="running", due=ago(hours=1), produced=400),
    production_order("PRD-3", "kefir 150 g", due=ago(hours=-9)),
    production_order("PRD-4", "milk 1 l", line="LB", status="running", due=ago(hours=-3)),
    production_order("PRD-14", "kefir 150 g", start=ago(hours=-12), due=ago(hours=-5)),
]  # fmt: skip
PURCHASES = [
    purchase_order("PO-1", "SEAL-1", "mechanical seal 38 mm", status="done", received=ago(days=1)),
    purchase_order("PO-2", "BRG-6309", "6309-2RS bearing", due=ago(days=2)),
    purchase_order("PO-3", "BRG-6307", "6307-2RS bearing"),
]


@pytest.fixture
def erp(tmp_path: Path) -> Plant:
    rows = {"production_orders": PRODUCTION, "purchase_orders": PURCHASES}
    return build_plant(tmp_path, rows)


async def ask(plant: Plant, kind: str, **arguments: str) -> Findings:
    return await list_orders.run(plant, list_orders.check({"kind": kind, **arguments}))


def numbers(found: Findings) -> list[str]:
    return [mention.split()[0] for mention in found.mentions]


def fact(found: Findings, subject: str, name: str) -> object:
    return next(f.value for f in found.facts if (f.subject, f.name) == (subject, name))


def test_the_card_is_that_of_the_contract():
    assert list_orders.card() == (
        "list_orders(kind=production|purchase, status?=open|late|done|all, item?, line?): "
        "ERP orders"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["PRD-2", "PRD-4", "PRD-3", "PRD-14"]),
        ({"line": "cup line"}, ["PRD-2", "PRD-3", "PRD-14"]),
        ({"status": "late"}, ["PRD-2"]),
        ({"status": "done"}, ["PRD-1"]),
        ({"status": "all", "line": "LA"}, ["PRD-2", "PRD-3", "PRD-14", "PRD-1"]),
        ({"item": "yoghurt"}, ["PRD-2", "PRD-1"]),
        ({"item": "yogurt"}, ["PRD-2", "PRD-1"]),
        ({"item": "kefirs", "status": "late"}, []),
        ({"item": "PRD-1"}, ["PRD-1"]),
        ({"item": "B-3"}, ["PRD-3"]),
        ({"item": "yoghurt 250 g"}, []),
        ({"item": "PRD-9"}, []),
    ],
)
async def test_production_orders(erp: Plant, arguments: dict[str, str], expected: list[str]):
    assert numbers(await ask(erp, "production", **arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["PO-2", "PO-3"]),
        ({"status": "late"}, ["PO-2"]),
        ({"status": "done"}, ["PO-1"]),
        ({"item": "bearings"}, ["PO-2", "PO-3"]),
        ({"item": "6309 bearing"}, ["PO-2"]),
        ({"item": "mechanical seal"}, ["PO-1"]),
        ({"item": "seal", "status": "open"}, []),
        ({"item": "6205 bearing"}, []),
    ],
)
async def test_purchase_orders(erp: Plant, arguments: dict[str, str], expected: list[str]):
    assert numbers(await ask(erp, "purchase", **arguments)) == expected


async def test_what_runs_is_told_with_its_progress(erp: Plant):
    found = await ask(erp, "production", line="LA")
    assert fact(found, "PRD-2", "produced") == 400
    assert fact(found, "PRD-2", "late") is True
    assert fact(found, "PRD-2", "due") == NOW - timedelta(hours=1)
    assert fact(found, "orders", "late") == 1
    assert found.summary.startswith(
        "3 open production orders on Cup line, 1 late: PRD-2 yoghurt 500 g on LA, "
        "400 of 1000 units made, running, due 2026-11-21 12:00 (late); PRD-3"
    )


async def test_a_held_batch_is_told_with_its_order(tmp_path: Path):
    hold = {"batch": "B-2", "reason": "sour", "placed": ago(hours=1), "placed_by": "olga"}
    erp = build_plant(tmp_path, {"production_orders": PRODUCTION, "batch_holds": [hold]})
    found = await ask(erp, "production", item="yoghurt")
    assert (fact(found, "PRD-2", "on hold"), fact(found, "PRD-1", "on hold")) == (True, False)
    assert "400 of 1000 units made, batch B-2 on hold, running" in found.summary


async def test_what_was_bought_is_told_with_its_arrival(erp: Plant):
    found = await ask(erp, "purchase", item="PO-1")
    assert fact(found, "PO-1", "status") == "received"
    assert "received 2026-11-20 13:00" in found.summary
    assert found.mentions == ("PO-1 SEAL-1 mechanical seal 38 mm",)
    assert found.facts[2].source.reference == "purchase_orders.number=PO-1"


async def test_nothing_found_is_said_and_near_names_offered(erp: Plant):
    found = await ask(erp, "purchase", item="6205 bearing")
    assert found.summary == "There are no purchase orders for '6205 bearing'."
    assert "BRG-6309 6309-2RS bearing" in found.notices[0]
    known = await ask(erp, "production", item="kefir", status="late")
    assert known.summary == "There are no late production orders for 'kefir'."
    assert not known.notices


async def test_lines_are_resolved_and_mean_nothing_to_purchases(erp: Plant):
    with pytest.raises(Retry, match="Bottle line"):
        await ask(erp, "production", line="line 9")
    found = await ask(erp, "purchase", line="line 9")
    assert "Purchase orders belong to no line." in found.notices


async def test_an_order_becomes_late_at_its_due_time(tmp_path: Path):
    rows = [
        production_order("PRD-1", "kefir", due=ago()),
        production_order("PRD-2", "kefir", due=ago(seconds=1)),
        production_order("PRD-3", "kefir", due=ago(days=1), status="done", finished=ago()),
    ]
    plant = build_plant(tmp_path, {"production_orders": rows})
    assert numbers(await ask(plant, "production", status="late")) == ["PRD-2"]
