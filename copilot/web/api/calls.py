"""A call from another program: the same tools and checks as in a turn, but only those that look."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from copilot.actor import Actor
from copilot_tools.catalogue import ALL_TOOLS
from copilot_tools.display import printable
from copilot_tools.errors import ToolError
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Registry, Risk

READING = Registry(tuple(tool for tool in ALL_TOOLS if tool.risk is Risk.READ))

_LOG = logging.getLogger("copilot.web.calls")


async def look_up(
    plant: Plant, actor: Actor, via: str, name: str, arguments: Mapping[str, Any]
) -> Findings:
    """What a read tool finds; raises a ToolError when there is no such tool or no answer."""
    started = time.perf_counter()
    outcome = "found"
    try:
        tool = READING[name]
        return await tool.run(plant.read_by(actor.role), tool.check(arguments))
    except ToolError as error:
        outcome = type(error).__name__.lower()
        raise
    finally:
        took = time.perf_counter() - started
        called = printable(name[:40])
        _LOG.info("%s by %s over %s: %s in %.3f s", called, actor.name, via, outcome, took)
