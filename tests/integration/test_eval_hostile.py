import json
from pathlib import Path

import pytest
from asyncua import Client, ua

from copilot_evals.hostile import Tally, run
from copilot_evals.hostile_plant import URI, foundry


def test_nothing_gets_through_and_an_approved_change_does(capsys: pytest.CaptureFixture[str]):
    assert run(calls=120, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["calls"] >= 120
    assert figures["unauthorised"] == 0
    assert figures["decisions_tried"] > 0
    assert figures["authorised_writes"] == 1
    assert figures["chain_valid"]


async def test_the_attacked_server_takes_and_notes_any_write(tmp_path: Path):
    async with foundry(tmp_path) as plant:
        client = Client(plant.settings.opcua.url)
        async with client:
            index = await client.get_namespace_index(URI)
            trip = client.get_node(ua.NodeId("K-1.trip", index))
            await trip.write_value(1700.0)
            assert await trip.read_value() == 1700.0
        assert plant.writes == [("anonymous", "K-1.trip", 1700.0)]


def test_a_write_or_a_decision_nobody_gave_a_yes_for_counts():
    assert Tally().unauthorised == 0
    assert Tally(writes=1, decided=2).unauthorised == 3
