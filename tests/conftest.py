"""What every test may use: a plant of one machine whose sources are never asked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings

from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver

pytest_plugins = [
    "desk_fixture",
    "executor_fixture",
    "faults.fixtures",
    "model_fixture",
    "own_database",
    "web_fixture",
]

# A run of the tests tries what the last one tried: whoever broke something sees it, nobody else.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

SITE = """\
[site]
id = "small"
name = "Small works"
time_zone = "Europe/Berlin"
namespace = "urn:small"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "A"
"""


@pytest.fixture
def plant() -> Plant:
    site = parse_site(SITE)
    absent: Any = None
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=absent,
        history=absent,
        alarms=absent,
        journal=absent,
        erp=absent,
        inspections=absent,
        library=absent,
        now=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC),
    )
