"""The inbox, the card and the history as people see them."""

import re

from proposing import carry_out, desk_of, look, propose, say, state
from web_fixture import Works

from copilot.approvals.offers import Choice
from copilot.approvals.states import State
from copilot.proposal import Provenance
from copilot.web.deciding import REASONS
from copilot.web.rendering import environment


async def test_an_empty_inbox_says_so(works: Works):
    sara = await works.client("sara")
    page = await sara.get("/approvals")
    assert page.status_code == 200
    assert "Nothing waits for you." in page.text


async def test_what_waits_for_the_reader_comes_before_the_rest(works: Works):
    await propose(works, by="tina", key="P-2.speed", value=950.0)
    await propose(works)
    sara = await works.client("sara")
    page = (await sara.get("/approvals")).text
    mine, others = page.index("Waits for you"), page.index("Also open")
    assert mine < page.index("M-1 speed 1000 rpm -&gt; 1050 rpm") < others
    assert page.index("P-2 speed 900 rpm -&gt; 950 rpm") > others
    assert "asked by olga" in page
    assert 'data-left="1800"' in page


async def test_retrieved_text_is_marked_everywhere(works: Works):
    await propose(works, origin=Provenance.RETRIEVED)
    sara = await works.client("sara")
    for path in ("/approvals", "/approvals/1"):
        assert "RETRIEVED TEXT" in (await sara.get(path)).text
    assert "value came from retrieved text" in (await sara.get("/approvals/1")).text


async def test_what_is_overdue_is_expired_when_somebody_looks(works: Works):
    record = await propose(works)
    works.clock.advance(minutes=31)
    sara = await works.client("sara")
    assert "M-1 speed" not in (await sara.get("/approvals")).text
    assert state(works, record) is State.EXPIRED
    page = await sara.get("/approvals/1")
    assert ">expired<" in page.text
    assert "nothing to decide here now" in page.text


async def test_the_card_tells_facts_first_and_words_last(works: Works):
    await propose(works)
    sara = await works.client("sara")
    page = (await sara.get("/approvals/1")).text
    order = [
        "The change",
        "M-1 Mixer, North",
        "500 to 1500 rpm",
        "The plant now",
        "What it rests on",
        "Operators, technicians, supervisors and engineers may propose",
        "The reason that was given",
        "the customer wants more",
    ]
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    assert 'href="/plant/assets/M-1"' in page
    assert re.search(r'<button class="main" disabled data-needs-look>Approve #1', page)
    assert 'type="radio" name="reason" value="checked" required >' in page


async def test_nobody_is_offered_what_is_not_for_them(works: Works):
    await propose(works)
    for name, why in (
        ("olga", "you asked for it yourself; somebody else has to approve it"),
        ("sven", "The machine is in none of your areas"),
        ("tina", "no rule permits this"),
    ):
        client = await works.client(name)
        page = (await client.get("/approvals/1")).text
        assert why in page, name
        assert 'action="/approvals/1/approve"' not in page, name
    olga = await works.client("olga")
    assert 'action="/approvals/1/withdraw"' in (await olga.get("/approvals/1")).text


async def test_the_plant_now_has_value_quality_and_age(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    shown = (await look(sara, record)).text
    for text in ("M-1.speed set value", "1000 rpm ± 2 rpm", "good", "M-1 lock-out", "off"):
        assert text in shown
    assert 'data-looked="yes"' in shown
    works.live.shown["s=M-1.lockout"] = True
    changed = (await look(sara, record)).text
    assert 'data-looked="changed"' in changed
    assert "M-1 lock-out was off, is on" in changed


async def test_the_state_moves_on_where_it_is_watched(works: Works):
    record = await propose(works)
    sara = await works.client("sara")
    before = (await look(sara, record)).text
    await say(sara, record, "approve")
    ready = (await look(sara, record)).text
    assert "approved, waits to be carried out" in ready
    assert 'data-watched="yes"' in ready
    carry_out(works, record)
    done = (await look(sara, record)).text
    assert "done and verified" in done
    assert 'data-watched="no"' in done
    versions = [re.search(r'data-version="(\d+)"', text) for text in (before, ready, done)]
    assert len({found.group(1) for found in versions if found}) == 3
    for step in ("proposed", "waits for approval", "approved", "being carried out"):
        assert step in done
    assert "looks right" in done


async def test_what_has_ended_can_be_searched(works: Works):
    first = await propose(works)
    sara = await works.client("sara")
    await say(sara, first, "reject")
    second = await propose(works, by="tina", key="P-2.speed", value=950.0)
    tina = await works.client("tina")
    await say(tina, second, "withdraw")
    everything = (await sara.get("/approvals/history")).text
    assert everything.index('href="/approvals/2"') < everything.index('href="/approvals/1"')
    for query, found, other in (
        ("state=rejected", 1, 2),
        ("person=sara", 1, 2),
        ("person=tina", 2, 1),
        ("asset=P-2", 2, 1),
        ("before=2", 1, 2),
        ("state=&person=+olga+&asset=", 1, 2),
    ):
        page = (await sara.get(f"/approvals/history?{query}")).text
        assert f'href="/approvals/{found}"' in page, query
        assert f'href="/approvals/{other}"' not in page, query
    assert "Nothing here." in (await sara.get("/approvals/history?state=verified")).text
    assert desk_of(works).get(1).note == "looks right"


async def test_a_number_that_is_none_is_not_found(works: Works):
    sara = await works.client("sara")
    for path in ("/approvals/7", "/approvals/7/now"):
        assert (await sara.get(path)).status_code == 404
    assert (await sara.get(f"/approvals/{10**30}")).status_code == 422
    assert (await sara.get("/approvals/seven")).status_code == 422


async def test_the_answer_to_a_refused_form_can_be_loaded_again(works: Works):
    await propose(works)
    sara = await works.client("sara")
    back = await sara.get("/approvals/1/approve")
    assert (back.status_code, back.headers["location"]) == (303, "/approvals/1")
    assert (await sara.get("/approvals/stop")).headers["location"] == "/approvals"


async def test_every_state_reason_and_decision_has_a_word(works: Works):
    words = environment("en").get_template("approval_words.html").module
    assert set(words.STATES) == set(State)
    assert set(words.CHOICES) == set(Choice)
    assert set(words.REASON_WORDS) == {key for of in REASONS.values() for key in of}


async def test_the_inbox_is_for_people_who_are_known(works: Works):
    client = await works.client()
    for path in ("/approvals", "/approvals/history", "/approvals/1", "/approvals/1/now"):
        assert (await client.get(path)).status_code == 303
