"""The overview: lines in the order of flow, states and alarms, and what cannot be seen."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from unit.plant_fixture import count, production_order
from web_fixture import NOON, Works

from copilot.web.pages.plant_view import flow_order
from copilot_tools.site.load import parse_site
from copilot_tools.sources.protocols import AlarmState
from copilot_tools.watched import Unlike

FLOW = """\
[site]
id = "flow"
name = "Flow"
time_zone = "Europe/Berlin"
namespace = "urn:flow"
[[shift]]
name = "early"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
"""


def machine(key: str, *feeds: str) -> str:
    named = ", ".join(f'"{feed}"' for feed in feeds)
    head = f'[[asset]]\nid = "{key}"\nname = "{key}"\nkind = "pump"\narea = "A"\n'
    return f"{head}feeds = [{named}]\n"


def naive(time: datetime) -> datetime:
    return time.replace(tzinfo=None)


def test_machines_come_in_the_order_of_flow_even_round_a_loop():
    model = FLOW + machine("A", "B") + machine("C", "D") + machine("B", "C", "A") + machine("D")
    assets = list(parse_site(model).assets.values())
    assert [asset.id for asset in flow_order(assets)] == ["A", "B", "C", "D"]


async def test_each_line_shows_its_machines_with_their_states(works: Works):
    client = await works.client("olga")
    shown = (await client.get("/plant")).text
    assert "Line 1" in shown
    assert 'href="/plant/assets/M-1"' in shown
    assert re.search(r'data-signal="M-1\.state" data-state="running"', shown)
    assert "No alarm stands" in shown


async def test_a_tile_says_which_alarms_stand_in_words_too(works: Works):
    alarm = works.services.copilot.plant.site.alarms()[0]
    works.live.alarms.append(AlarmState(alarm, True, False, NOON))
    client = await works.client("olga")
    shown = (await client.get("/plant/now")).text
    assert "1 alarm stands" in shown
    assert "1 high" in shown
    assert "1 not acknowledged" in shown
    assert "<html" not in shown


async def test_an_area_is_shown_alone_and_an_unknown_one_is_not_there(works: Works):
    client = await works.client("olga")
    north = (await client.get("/plant?area=N")).text
    assert "M-1" in north
    assert "P-2" not in north
    assert (await client.get("/plant?area=X")).status_code == 404


async def test_a_line_tells_what_it_makes_and_how_fast(works: Works):
    row = production_order("PRD-7", "Cola", line="L1", status="running", produced=250)
    works.insert("production_orders", row)
    hour = count(naive(NOON.replace(hour=10, minute=15)), 15, 1500, 1485)
    works.insert("production_counts", {**hour, "line": "L1"})
    client = await works.client("olga")
    shown = (await client.get("/plant")).text
    assert "Cola" in shown
    assert "PRD-7" in shown
    assert "250 of 1000 units made" in shown
    assert "99 units a minute good over the last hour, ideal 100" in shown


async def test_the_page_comes_up_when_the_controllers_are_dead(works: Works):
    works.live.dead = True
    client = await works.client("olga")
    answer = await client.get("/plant")
    assert answer.status_code == 200
    assert "Cannot see the controllers: no answer." in answer.text
    assert "It last answered at 2026-11-21 12:00." in answer.text
    assert 'data-state="unknown"' in answer.text
    assert "Mixer" in answer.text


async def test_a_tile_says_since_when_its_machine_is_unlike_itself(works: Works):
    services = works.services
    seen = {"M-1": Unlike(NOON - timedelta(minutes=40), NOON, 3.1, ())}
    plant = replace(services.copilot.plant, watch=seen.get)
    works.app.state.services = replace(services, copilot=replace(services.copilot, plant=plant))
    client = await works.client("olga")
    shown = (await client.get("/plant/now")).text
    assert shown.count("unlike itself since") == 1
    assert "11:20" in shown
