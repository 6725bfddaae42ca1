"""Signing in and out, and what is asked of a visitor."""

from account_fixture import PASSWORD
from web_fixture import Works


async def test_pages_ask_to_sign_in_and_go_on_where_one_wanted_to(works: Works):
    client = await works.client()
    asked = await client.get("/plant")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/plant"
    form = {"name": "olga", "password": PASSWORD, "next": "/plant"}
    entered = await client.post("/sign-in", data=form)
    assert entered.headers["location"] == "/plant"
    shown = await client.get("/plant")
    assert shown.status_code == 200
    assert "Small works" in shown.text


async def test_a_wrong_password_says_only_that(works: Works):
    client = await works.client()
    refused = await client.post("/sign-in", data={"name": "olga", "password": "no such one"})
    assert refused.status_code == 401
    assert "name or password is wrong" in refused.text
