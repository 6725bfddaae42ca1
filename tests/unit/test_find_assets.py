from pathlib import Path

import pytest
from telemetry_fixture import NOW, Works, build_works, fact

from copilot_tools.assets import find_assets
from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Quality

DOWN = Unavailable("OPC UA server", "nothing listens at its address", NOW)


@pytest.fixture
def works(tmp_path: Path) -> Works:
    works = build_works(tmp_path)
    works.telemetry.set("K-1.state", "running")
    works.telemetry.set("K-2.state", "stopped")
    works.telemetry.set("F-1.state", None, Quality.BAD, "BadOutOfService")
    return works


async def test_all_machines_with_their_states(works: Works):
    found = await works.ask(find_assets)
    assert found.summary.startswith("4 machines (1 running, 1 stopped): K-1 Raw pump, K-2")
    assert [row[6] for row in found.tables[0].rows] == ["running", "stopped", "unknown", "unknown"]
    assert "K-1 Raw pump" in found.mentions


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ({"query": "pumps"}, {"K-1", "K-2"}),
        ({"query": "filler"}, {"F-1"}),
        ({"query": "line 1"}, {"F-1"}),
        ({"area": "pump house"}, {"K-1", "K-2", "T-1"}),
        ({"area": "pump huose"}, {"K-1", "K-2", "T-1"}),
        ({"area": "pump house", "query": "pumps", "state": "stopped"}, {"K-2"}),
        ({"state": "running"}, {"K-1"}),
    ],
)
async def test_a_kind_a_line_an_area_and_a_state_choose(
    works: Works, arguments: dict[str, str], ids: set[str]
):
    found = await works.ask(find_assets, **arguments)
    assert {mention.split()[0] for mention in found.mentions} == ids


async def test_one_machine_is_told_in_full(works: Works):
    found = await works.ask(find_assets, query="K-1")
    assert found.summary == "K-1 Raw pump: Acme 7 pump in Pump house, running."
    assert fact(found, "state").value == "running"


async def test_one_machine_in_another_state_than_asked(works: Works):
    found = await works.ask(find_assets, query="spare pump", state="running")
    assert found.summary == "K-2 Spare pump: pump in Pump house, stopped."


async def test_a_state_nobody_is_in(works: Works):
    found = await works.ask(find_assets, state="fault")
    assert found.summary == "No machine asked for is in fault."
    assert found.notices == ("State not known: F-1, T-1.",)


async def test_without_the_server_machines_are_still_known_but_not_their_states(works: Works):
    works.telemetry.down = DOWN
    found = await works.ask(find_assets, query="pumps")
    assert found.summary == "2 machines: K-1 Raw pump, K-2 Spare pump."
    assert "States are not known" in found.notices[0]
    with pytest.raises(Unavailable, match="OPC UA server"):
        await works.ask(find_assets, state="running")


async def test_a_name_that_fits_nothing_is_asked_back(works: Works):
    with pytest.raises(Retry, match="I know no asset"):
        await works.ask(find_assets, query="submarine")
