from collections import Counter

from prometheus_client.parser import text_string_to_metric_families
from web_fixture import Works

from copilot.actor import Actor, Role
from copilot.web.application import create_application

OLGA = Actor("olga", Role.OPERATOR, "olga", ("N",), authenticated=True)


async def scrape(works: Works) -> dict[tuple[str, ...], float]:
    client = await works.client("olga")
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_only_somebody_known_sees_them(works: Works) -> None:
    client = await works.client(Accept="application/json")
    assert (await client.get("/metrics")).status_code == 401


async def test_requests_are_counted_by_route_and_status(works: Works) -> None:
    client = await works.client()
    for path in ("/no/such/page", "/or/another"):
        assert (await client.get(path)).status_code == 404
    assert (await client.get("/healthz", headers={"Host": "elsewhere"})).status_code == 421
    assert (await client.get("/static/app.css")).status_code == 200
    found = await scrape(works)
    assert found["copilot_requests_total", "(none)", "404"] == 2
    assert found["copilot_requests_total", "(none)", "421"] == 1
    assert found["copilot_requests_total", "/static", "200"] == 1
    assert found["copilot_requests_total", "/sign-in", "303"] == 1
    routes = {key[1] for key in found if key[0] == "copilot_requests_total"}
    assert routes <= {"(none)", "/static", "/sign-in"}


async def test_turns_and_tools_are_timed(works: Works) -> None:
    agent, conversations = works.services.copilot.agent, works.services.copilot.conversations
    conversation = await conversations.start(OLGA)
    async for _ in agent.turn(OLGA, conversation, "how is the mixer?"):
        pass
    found = await scrape(works)
    assert found["copilot_turn_seconds_count",] == 1
    assert found["copilot_tool_seconds_count", "found", "read_signals"] == 1


async def test_approvals_and_sources_are_looked_at_when_asked(works: Works) -> None:
    agent, conversations = works.services.copilot.agent, works.services.copilot.conversations
    conversation = await conversations.start(OLGA)
    async for _ in agent.turn(OLGA, conversation, "set the mixer to 1050 rpm"):
        pass
    found = await scrape(works)
    assert found["copilot_approvals", "pending_approval"] == 1
    assert found["copilot_approvals", "verified"] == 0
    assert found["copilot_source_age_seconds", "opcua"] >= 0
    assert found["copilot_streams",] == 0


async def test_a_service_token_may_scrape(works: Works) -> None:
    made = works.services.tokens.add("prometheus", 1, by="root")
    client = await works.client(Authorization=f"Bearer {made}", Accept="text/plain")
    assert (await client.get("/metrics")).status_code == 200


async def test_two_applications_count_for_themselves(works: Works) -> None:
    other = create_application(works.services)
    client = await works.client()
    await client.get("/healthz")
    text = other.state.watch.metrics.text(Counter(), {}).decode()
    assert 'route="/healthz"' not in text
