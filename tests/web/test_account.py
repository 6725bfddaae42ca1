"""One's account: the places where one is signed in, one's password; and an administrator's view."""

from account_fixture import PASSWORD
from web_fixture import Works

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36"
NEW = "a password of my own"


async def test_one_sees_where_one_is_signed_in_and_ends_it(works: Works):
    here = await works.client("olga", **{"User-Agent": FIREFOX})
    phone = await works.client("olga", **{"User-Agent": PHONE})
    page = (await here.get("/account")).text
    assert "Firefox, Linux" in page
    assert "Chrome, Android" in page
    other = next(s for s in works.services.sessions.open("olga") if "Android" in s.device)
    ended = await here.post("/account/sessions/end", data={"session": other.digest})
    assert ended.status_code == 303
    assert (await phone.get("/plant")).status_code == 303
    assert (await here.get("/plant")).status_code == 200


async def test_one_ends_all_sessions_but_this_one(works: Works):
    here, *others = [await works.client("olga") for _ in range(3)]
    await here.post("/account/sessions/end", data={"session": "others"})
    assert [(await client.get("/plant")).status_code for client in (here, *others)] == [
        200,
        303,
        303,
    ]


async def test_nobody_ends_the_session_of_somebody_else(works: Works):
    olga, sara = await works.client("olga"), await works.client("sara")
    (session,) = works.services.sessions.open("sara")
    await olga.post("/account/sessions/end", data={"session": session.digest})
    assert (await sara.get("/plant")).status_code == 200


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(works: Works):
    here, other = [await works.client("olga") for _ in range(2)]
    form = {"old": "not this one", "new": NEW, "again": NEW}
    refused = await here.post("/account/password", data=form)
    assert refused.status_code == 403
    assert "password is wrong" in refused.text
    form = {"old": PASSWORD, "new": NEW, "again": NEW + "!"}
    assert (await here.post("/account/password", data=form)).status_code == 400
    form = {"old": PASSWORD, "new": "short", "again": "short"}
    assert (await here.post("/account/password", data=form)).status_code == 400
    assert (await other.get("/plant")).status_code == 200
    form = {"old": PASSWORD, "new": NEW, "again": NEW}
    before = works.csrf(here)
    assert (await here.post("/account/password", data=form)).status_code == 303
    assert works.csrf(here) != before
    assert (await here.get("/plant")).status_code == 200
    assert (await other.get("/plant")).status_code == 303
    again = await works.client()
    for password, status in ((PASSWORD, 401), (NEW, 303)):
        entered = await again.post("/sign-in", data={"name": "olga", "password": password})
        assert entered.status_code == status


async def test_an_administrator_sees_everybodys_sessions_and_ends_them(works: Works):
    root, sara = await works.client("root"), await works.client("sara")
    works.services.tokens.add("mes", 30, by="root")
    page = (await root.get("/account/people")).text
    for text in ("olga", "sara", "mes", "End all sessions of sara"):
        assert text in page
    assert "End all sessions of olga" not in page
    ended = await root.post("/account/people/end", data={"name": "sara"})
    assert ended.status_code == 303
    assert (await sara.get("/plant")).status_code == 303
    assert (await (await works.client("emil")).get("/account/people")).status_code == 403


async def test_a_session_of_a_closed_account_is_over(works: Works):
    sara = await works.client("sara")
    works.services.accounts.disable("sara", by="root")
    assert (await sara.get("/plant")).status_code == 303
    works.services.accounts.enable("sara", by="root")
    assert (await sara.get("/plant")).status_code == 303
