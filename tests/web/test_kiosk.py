"""A terminal on the floor: what a badge and its PIN open, and what they do not."""

import pytest
from web_fixture import Works

from copilot.web.access import COOKIE

BADGE, PIN = "04A2F3114C", "482915"


@pytest.fixture
def badge(works: Works) -> dict[str, str]:
    """What sara's badge and fingers type."""
    works.services.badges.set("sara", BADGE, PIN, by="root")
    return {"badge": f"{BADGE}\n", "pin": PIN, "next": "/plant"}


async def test_the_terminal_asks_for_badge_and_pin(works: Works):
    client = await works.client()
    page = await client.get("/kiosk")
    assert page.status_code == 200
    assert "data-kiosk" in page.text
    for digit in "0123456789":
        assert f'data-digit="{digit}"' in page.text


async def test_a_badge_opens_reading_but_no_decision(works: Works, badge: dict[str, str]):
    client = await works.client()
    entered = await client.post("/kiosk", data=badge)
    assert (entered.status_code, entered.headers["location"]) == (303, "/plant")
    assert (await client.get("/plant")).status_code == 200
    assert "badge" in (await client.get("/account")).text
    ending = {"csrf": works.csrf(client), "session": "others"}
    refused = await client.post("/account/sessions/end", data=ending)
    assert refused.status_code == 403
    assert "sign in with your password" in refused.text


async def test_a_wrong_pin_says_only_that(works: Works, badge: dict[str, str]):
    client = await works.client()
    for wrong in ({**badge, "pin": "482916"}, {**badge, "badge": "another"}):
        refused = await client.post("/kiosk", data=wrong)
        assert refused.status_code == 401
        assert "badge or PIN is wrong" in refused.text
        assert BADGE not in refused.text
    assert COOKIE not in client.cookies


async def test_a_terminal_that_is_left_asks_for_the_badge_again(
    works: Works, badge: dict[str, str]
):
    client = await works.client()
    await client.get("/kiosk")
    await client.post("/kiosk", data=badge)
    works.clock.advance(minutes=5)
    asked = await client.get("/plant")
    assert (asked.status_code, asked.headers["location"]) == (303, "/kiosk?next=/plant")


async def test_signing_out_at_a_terminal_leads_back_to_its_form(
    works: Works, badge: dict[str, str]
):
    client = await works.client()
    await client.get("/kiosk")
    await client.post("/kiosk", data=badge)
    left = await client.post("/sign-out", data={"csrf": works.csrf(client)})
    assert left.headers["location"] == "/kiosk"
    assert COOKIE not in client.cookies


async def test_the_next_one_at_a_terminal_ends_the_session_before(
    works: Works, badge: dict[str, str]
):
    client = await works.client()
    await client.post("/kiosk", data=badge)
    before = client.cookies[COOKIE]
    works.services.badges.set("olga", "another badge", "628311", by="root")
    form = {"badge": "another badge", "pin": "628311", "csrf": works.csrf(client)}
    assert (await client.post("/kiosk", data=form)).status_code == 303
    assert works.services.sessions.find(before) is None
    assert "olga" in (await client.get("/account")).text
