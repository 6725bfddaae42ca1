"""Signing in and out, and what is asked of a visitor."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from account_fixture import PASSWORD, audit_rows
from sqlalchemy import Engine
from web_fixture import HOST, Works, open_works

from copilot.accounts.back_off import FREE_OF_ADDRESS
from copilot.accounts.first_admin import ensure_administrator
from copilot.web.access import COOKIE, SECURE_COOKIE


@pytest.fixture
async def demo(own_engine: Engine, tmp_path: Path) -> AsyncIterator[Works]:
    """The works with two people to be with one tap."""
    async with open_works(own_engine, tmp_path, ("olga", "sara")) as opened:
        yield opened


async def test_pages_ask_to_sign_in_and_go_on_where_one_wanted_to(works: Works):
    client = await works.client()
    asked = await client.get("/plant?area=N&line=L1")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/plant%3Farea%3DN%26line%3DL1"
    form = {"name": "olga", "password": PASSWORD, "next": "/plant?area=N&line=L1"}
    entered = await client.post("/sign-in", data=form)
    assert entered.headers["location"] == "/plant?area=N&line=L1"
    shown = await client.get("/plant")
    assert shown.status_code == 200
    assert "Small works" in shown.text


async def test_a_wrong_password_says_only_that(works: Works):
    client = await works.client()
    for name in ("olga", "nobody"):
        refused = await client.post("/sign-in", data={"name": name, "password": "no such one"})
        assert refused.status_code == 401
        assert "name or password is wrong" in refused.text
        assert COOKIE not in client.cookies
        assert "no such one" not in refused.text


async def test_a_name_is_known_however_a_phone_writes_it(works: Works):
    client = await works.client()
    entered = await client.post("/sign-in", data={"name": "Olga ", "password": PASSWORD})
    assert entered.status_code == 303


async def test_the_sessions_cookie_is_the_browsers_alone(works: Works):
    client = await works.client()
    form = {"name": "olga", "password": PASSWORD}
    plain = (await client.post("/sign-in", data=form)).headers["set-cookie"]
    assert plain.startswith(f"{COOKIE}=")
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    client = await works.client()
    client.base_url = HOST.replace("http:", "https:")
    secure = (await client.post("/sign-in", data=form)).headers["set-cookie"]
    assert secure.startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in secure
    assert "Path=/" in secure
    assert "Domain" not in secure


async def test_signing_in_begins_another_session_and_ends_the_one_before(works: Works):
    client = await works.client("olga")
    before = client.cookies[COOKIE]
    csrf = {"X-CSRF-Token": works.csrf(client)}
    await client.post("/sign-in", data={"name": "sara", "password": PASSWORD}, headers=csrf)
    assert client.cookies[COOKIE] != before
    assert "sara" in (await client.get("/account")).text
    other = await works.client()
    other.cookies[COOKIE] = before
    assert (await other.get("/account")).status_code == 303


async def test_many_wrong_passwords_make_their_address_wait_but_not_another_one(works: Works):
    said = []
    for turn in range(FREE_OF_ADDRESS + 2):
        client = await works.client()
        form = {"name": f"name{turn}", "password": "one for all"}
        said.append((await client.post("/sign-in", data=form)).text)
    assert "too many wrong passwords" not in said[FREE_OF_ADDRESS]
    assert "too many wrong passwords; try again in 1 s" in said[-1]
    works.clock.advance(seconds=30)
    await works.client("olga")


async def test_in_the_demo_one_tap_is_enough_and_nowhere_else(demo: Works):
    client = await demo.client()
    assert "olga" in (await client.get("/sign-in")).text
    entered = await client.post("/sign-in/guest", data={"name": "sara", "next": "/account"})
    assert entered.headers["location"] == "/account"
    assert "supervisor" in (await client.get("/account")).text
    refused = await (await demo.client()).post("/sign-in/guest", data={"name": "root"})
    assert refused.status_code == 403


async def test_nobody_is_a_guest_of_a_real_plant(works: Works):
    client = await works.client()
    refused = await client.post("/sign-in/guest", data={"name": "olga"})
    assert refused.status_code == 403
    assert COOKIE not in client.cookies


async def test_a_password_for_once_leads_to_the_choice_of_another_one(works: Works):
    accounts = works.services.accounts
    accounts.disable("emil", by="root")
    accounts.add("new", accounts.list()[0].role, [], PASSWORD, by="root", must_change=True)
    client = await works.client()
    entered = await client.post("/sign-in", data={"name": "new", "password": PASSWORD})
    assert entered.headers["location"] == "/account/password"
    for page in ("/plant", "/account", "/"):
        led = await client.get(page, follow_redirects=True)
        assert "Choose one of your own" in led.text
    refused = await client.get("/plant", headers={"Accept": "application/json"})
    assert refused.status_code == 403
    csrf, own = works.csrf(client), "a password of my own"
    form = {"csrf": csrf, "old": PASSWORD, "new": own, "again": own}
    changed = await client.post("/account/password", data=form)
    assert changed.headers["location"] == "/plant"
    assert (await client.get("/plant")).status_code == 200
    again = await works.client()
    refused = await again.post("/sign-in", data={"name": "new", "password": PASSWORD})
    assert refused.status_code == 401


async def test_there_is_no_first_administrator_where_there_is_one(works: Works):
    assert ensure_administrator(works.services.accounts) is None


async def test_passwords_are_in_no_log_and_no_record(
    works: Works, own_engine: Engine, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    client = await works.client("olga")
    wrong = "my other long password"
    await (await works.client()).post("/sign-in", data={"name": wrong, "password": wrong})
    form = {"csrf": works.csrf(client), "old": PASSWORD, "new": wrong, "again": wrong}
    await client.post("/account/password", data=form)
    for secret in (PASSWORD, wrong, client.cookies[COOKIE], works.csrf(client)):
        assert secret not in caplog.text
        assert secret not in repr(audit_rows(own_engine))
