"""Decisions in the browser: who may, with what proof, about what was shown."""

from account_fixture import PASSWORD, audit_rows
from proposing import carry_out, desk_of, look, propose, say, state
from web_fixture import Works

from copilot.accounts.sessions import Kind
from copilot.approvals.states import State
from copilot.proposal import Provenance
from copilot.web.access import COOKIE


async def test_somebody_else_in_charge_approves_what_was_shown(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    assert (await look(sara, record)).status_code == 200
    approved = await say(sara, record, "approve", reason="checked", words="and the trend")
    assert approved.status_code == 303, approved.text
    assert approved.headers["location"] == "/approvals/1"
    assert state(works, record) is State.READY
    given = desk_of(works).approvals(1)
    assert [(a.account, a.reason) for a in given] == [
        ("sara", "live value and limits checked: and the trend")
    ]


async def test_nobody_approves_what_was_not_shown(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    unseen = await say(sara, record, "approve")
    assert unseen.status_code == 400
    assert "was not shown to you" in unseen.text
    await look(sara, record)
    works.clock.advance(minutes=2)
    assert (await say(sara, record, "approve")).status_code == 400
    assert state(works, record) is State.PENDING


async def test_who_asked_and_who_is_elsewhere_are_refused_with_words(works: Works):
    record = await propose(works)
    for name, why in (
        ("olga", "was proposed by olga; somebody else has to approve it"),
        ("sven", "The machine is in none of your areas"),
        ("tina", "no rule permits this"),
        ("root", "Administrators of the system neither propose nor approve"),
    ):
        client = await works.client(name)
        await look(client, record)
        refused = await say(client, record, "approve")
        assert refused.status_code == 403, name
        assert why in refused.text, name
    assert state(works, record) is State.PENDING
    rows = audit_rows(works.services.copilot.database)
    assert [r["actor"] for r in rows if r["kind"] == "approval.refused"] == [
        "olga",
        "sven",
        "tina",
        "root",
    ]


async def test_a_badge_and_a_form_of_another_session_decide_nothing(works: Works):
    record = await propose(works)
    client = await works.client()
    token = works.services.sessions.begin("sara", Kind.BADGE, "kiosk")
    client.cookies.set(COOKIE, token, domain="127.0.0.1")
    client.headers["X-CSRF-Token"] = works.csrf(client)
    await look(client, record)
    refused = await say(client, record, "approve")
    assert refused.status_code == 403
    assert "a badge opens reading and asking" in refused.text
    card = await client.get("/approvals/1")
    assert "sign in with your password" in card.text
    assert 'action="/approvals/1/approve"' not in card.text
    sara = await works.client("sara")
    await look(sara, record)
    sara.headers["X-CSRF-Token"] = "of another session"
    assert (await say(sara, record, "approve")).status_code == 403
    assert state(works, record) is State.PENDING


async def test_a_wrong_password_decides_nothing_and_tries_get_slower(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    for _ in range(12):
        refused = await say(sara, record, "approve", password="a wrong one", words="typed before")
        assert refused.status_code == 403
    assert "typed before" in refused.text
    assert "a wrong one" not in refused.text
    assert "wrong" in refused.text
    slow = await say(sara, record, "approve")
    assert slow.status_code == 403
    assert state(works, record) is State.PENDING


async def test_a_reason_is_chosen_and_a_second_tap_made(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    for missing, why in (
        ({"reason": ""}, "choose a reason"),
        ({"reason": "other", "words": "  "}, "say in words"),
        ({"sure": ""}, "tick that you mean it"),
        ({"password": ""}, "wrong"),
    ):
        refused = await say(sara, record, "approve", **missing)
        assert refused.status_code in (400, 403)
        assert why in refused.text
    assert state(works, record) is State.PENDING


async def test_a_form_is_good_for_one_decision(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    await say(sara, record, "approve")
    again = await say(sara, record, "approve")
    assert again.status_code == 403
    assert "is ready; nothing can be decided about it now" in again.text
    assert len(desk_of(works).approvals(1)) == 1


async def test_one_person_is_one_of_two(works: Works):
    record = await propose(works, origin=Provenance.RETRIEVED)
    assert record.approvals_needed == 2
    sara, emil = await works.client("sara"), await works.client("emil")
    await look(sara, record)
    await say(sara, record, "approve")
    assert state(works, record) is State.APPROVED
    twice = await say(sara, record, "approve")
    assert "has decided about #1 already" in twice.text
    await look(emil, record)
    await say(emil, record, "approve")
    assert state(works, record) is State.READY


async def test_a_form_of_another_payload_is_refused(works: Works):
    first = await propose(works)
    sara = await works.client("sara")
    newer = await propose(works, value=1080.0)
    assert state(works, first) is State.SUPERSEDED
    await look(sara, newer)
    refused = await say(sara, newer, "approve", shown=first.payload_hash)
    assert refused.status_code == 409
    assert "not the proposal that was shown" in refused.text
    assert state(works, newer) is State.PENDING


async def test_a_plant_that_changed_between_look_and_decision_is_looked_at_again(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    works.live.shown["s=M-1.speed"] = 1010.0
    refused = await say(sara, record, "approve")
    assert refused.status_code == 400
    assert "while you were reading, M-1.speed set value was 1000 rpm, is 1010 rpm" in refused.text
    await look(sara, record)
    still = await say(sara, record, "approve")
    assert still.status_code == 403
    assert state(works, record) is State.PENDING


async def test_what_has_expired_stays_expired(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    works.clock.advance(minutes=30)
    await sara.post("/sign-in", data={"name": "sara", "password": PASSWORD})
    sara.headers["X-CSRF-Token"] = works.csrf(sara)
    await look(sara, record)
    refused = await say(sara, record, "approve")
    assert refused.status_code == 403
    assert "has expired" in refused.text
    assert state(works, record) is State.EXPIRED


async def test_a_plant_that_cannot_be_seen_is_approved_blindly_by_nobody(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    works.live.dead = True
    shown = await look(sara, record)
    assert "the controllers is not reachable: no answer" in shown.text
    assert 'data-looked="unseen"' in shown.text
    refused = await say(sara, record, "approve")
    assert refused.status_code == 403
    assert state(works, record) is State.PENDING
    rejected = await say(sara, record, "reject")
    assert rejected.status_code == 303
    assert state(works, record) is State.REJECTED


async def test_words_of_people_are_never_markup(works: Works):
    hostile = "<script>alert(1)</script><b>now</b>"
    record = await propose(works, reason=hostile)
    sara = await works.client("sara")
    rejected = await say(sara, record, "reject", words=hostile)
    assert rejected.status_code == 303
    olga = await works.client("olga")
    for path in ("/approvals/1", "/approvals/1/now", "/approvals/history"):
        page = (await olga.get(path)).text
        assert "<b>" not in page, path
        assert "<script>alert" not in page, path
    assert "&lt;b&gt;now" in page
    refused = await say(sara, record, "reject", words=hostile)
    assert refused.status_code == 403
    assert "<b>" not in refused.text


async def test_one_s_own_is_withdrawn_without_a_password(works: Works):
    record = await propose(works)
    sara, olga = await works.client("sara"), await works.client("olga")
    refused = await say(sara, record, "withdraw", password="")
    assert refused.status_code == 403
    done = await say(olga, record, "withdraw", reason="mistake", words="", password="")
    assert done.status_code == 303
    assert state(works, record) is State.WITHDRAWN
    assert desk_of(works).get(1).note == "asked by mistake"


async def test_what_took_effect_is_undone_by_a_new_proposal(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    await say(sara, record, "approve")
    carry_out(works, record)
    page = await sara.get("/approvals/1")
    assert 'action="/approvals/1/undo"' in page.text
    undone = await say(sara, record, "undo")
    assert undone.headers["location"] == "/approvals/2"
    card = await sara.get("/approvals/2")
    assert "M-1 speed 1050 rpm -&gt; 1000 rpm" in card.text
    assert "you asked for it yourself" in card.text


async def test_an_unknown_result_is_settled_by_who_is_in_charge(works: Works):
    record = await propose(works)
    sara, sven = await works.client("sara"), await works.client("sven")
    await look(sara, record)
    await say(sara, record, "approve")
    carry_out(works, record, State.UNKNOWN)
    assert "Somebody has to look" in (await sara.get("/approvals")).text
    assert (await say(sven, record, "resolve", applied="yes")).status_code == 403
    assert "whether it took effect" in (await say(sara, record, "resolve")).text
    settled = await say(sara, record, "resolve", applied="no", reason="panel", words="")
    assert settled.status_code == 303
    assert state(works, record) is State.RESOLVED_NOT_APPLIED
    assert desk_of(works).get(1).note == "read at the panel"


async def test_the_kill_switch_is_for_everybody_and_released_with_a_password(works: Works):
    olga, sara = await works.client("olga"), await works.client("sara")
    assert (await olga.post("/approvals/stop", data={"reason": " "})).status_code == 400
    stopped = await olga.post("/approvals/stop", data={"reason": "smoke in the hall"})
    assert stopped.status_code == 303
    inbox = await sara.get("/approvals")
    assert "All changes are stopped" in inbox.text
    assert "smoke in the hall" in inbox.text
    form = {"reason": "smoke is gone", "password": PASSWORD}
    assert (await olga.post("/approvals/release", data=form)).status_code == 403
    wrong = await sara.post("/approvals/release", data={**form, "password": "wrong"})
    assert wrong.status_code == 403
    assert desk_of(works).stopped() is not None
    assert (await sara.post("/approvals/release", data=form)).status_code == 303
    assert desk_of(works).stopped() is None


async def test_nothing_of_a_decision_needs_the_model(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    await look(sara, record)
    await say(sara, record, "approve")
    assert state(works, record) is State.READY
    assert works.planner.histories == []
