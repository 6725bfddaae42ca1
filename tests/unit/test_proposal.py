from datetime import UTC, datetime

import pytest

from copilot.proposal import Proposal, Provenance, freeze, thaw
from copilot_tools.changes import Change, Target
from copilot_tools.site.model import Node

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NODE = Node("urn:kiln", "s=K-1.speed")
BLOCK = Node("urn:kiln", "s=K-1.command")


def proposal(target: Target) -> Proposal:
    change = Change("write_setpoint", target, {"value": 1.0}, "set it", new=1.0)
    return Proposal("a" * 32, change, "olga", "Olga", "", NOW, NOW, {"value": Provenance.USER})


@pytest.mark.parametrize(
    "target",
    [
        Target("setpoint", "K-1.speed", "K-1", NODE, BLOCK),
        Target("setpoint", "K-1.speed", "K-1", NODE),
        Target("part", "SEAL-2"),
    ],
)
def test_a_payload_holds_the_whole_target(target: Target):
    payload, _ = freeze(proposal(target))
    assert thaw(payload) == proposal(target)


def test_the_hash_that_is_approved_binds_the_command_block():
    hashes = {
        freeze(proposal(Target("setpoint", "K-1.speed", "K-1", NODE, block)))[1]
        for block in (None, BLOCK, NODE)
    }
    assert len(hashes) == 3
