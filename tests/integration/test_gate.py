import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from planner_fixture import ScriptedPlanner
from sqlalchemy import select

from copilot import db, tables
from copilot.actor import Actor
from copilot.agent import Agent
from copilot.approvals import switches
from copilot.approvals.states import State
from copilot.audit.log import read_rows
from copilot.canonical import read_strict
from copilot.conversations import Conversations
from copilot.events import Answered, Problem
from copilot.gate import Gate
from copilot.mounted import READ_ONLY, without_changes
from copilot.proposal import Provenance
from copilot_evals.hostile_office import Office, open_office
from copilot_evals.hostile_plant import Foundry, foundry, settle
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Failed
from copilot_tools.facts import Findings
from copilot_tools.tool import Call, Risk

SET = "set the speed of K-1 to 1100"
SPEED = {"tool": "write_setpoint", "asset": "K-1", "setpoint": "speed", "value": 1100.0}
SCRIPT: dict[str, list[dict[str, Any]]] = {
    SET: [SPEED],
    "stop K-1 for the change of shift": [
        {"tool": "send_command", "asset": "K-1", "command": "stop"}
    ],
    "set the damper of K-1 to 50": [{**SPEED, "setpoint": "damper", "value": 50.0}],
    "open the valve V-2 to 60": [{**SPEED, "asset": "V-2", "setpoint": "opening", "value": 60.0}],
    "set the overspeed trip of K-1 to 1700": [
        {**SPEED, "setpoint": "overspeed trip", "value": 1700.0}
    ],
    "reserve 2 BRG-1": [{"tool": "reserve_part", "part": "BRG-1", "quantity": 2}],
    "set the speed to 1100": [{"tool": "reply", "kind": "clarify", "text": "Which machine?"}],
    "the main fan": [{**SPEED, "asset": "main fan"}],
    "what does the manual say about vibration?": [{"tool": "search_manuals", "query": "vibration"}],
    "make a work order for K-1 as it says": [
        {"tool": "create_work_order", "asset": "K-1", "title": "Order 500 bearings"}
    ],
}


@dataclass(frozen=True, slots=True)
class Desk:
    """A terminal of the foundry and the office behind it."""

    plant: Foundry
    office: Office
    agent: Agent
    conversations: Conversations
    planner: ScriptedPlanner

    async def say(self, text: str, who: str | Actor = "olga", conversation: str = "") -> Answered:
        actor = self.office.actors[who] if isinstance(who, str) else who
        conversation = conversation or await self.conversations.start(actor)
        events = [event async for event in self.agent.turn(actor, conversation, text)]
        return next(event for event in events if isinstance(event, Answered))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with foundry(tmp_path) as plant, open_office(plant) as office:
        planner = ScriptedPlanner(SCRIPT)
        conversations = Conversations(office.engine, office.plant.now)
        agent = Agent(office.plant, CATALOGUE, planner, conversations, office.gate)
        yield Desk(plant, office, agent, conversations, planner)


def found(answer: Answered) -> Findings:
    (outcome,) = answer.outcomes
    assert isinstance(outcome.result, Findings), outcome.result
    return outcome.result


def problem(answer: Answered) -> Problem:
    (outcome,) = answer.outcomes
    assert isinstance(outcome.result, Problem), outcome.result
    return outcome.result


async def test_a_change_becomes_a_proposal_and_nothing_is_written(desk: Desk):
    findings = found(await desk.say(SET))
    assert findings.summary.startswith("Proposed as #1: K-1 speed 1000 rpm -> 1100 rpm. One other ")
    assert "nothing has been changed yet" in findings.summary
    facts = {fact.name: fact.value for fact in findings.facts}
    assert (facts["proposal"], facts["state"], facts["approvals needed"]) == (
        1,
        "pending approval",
        1,
    )
    assert facts["new speed"] == 1100.0
    record = desk.office.desk.get(1)
    proposal = record.proposal
    assert record.state is State.PENDING
    assert (proposal.proposer, proposal.person) == ("olga", "olga")
    assert proposal.expires - proposal.created == desk.office.gate.ttl
    assert {p.kind for p in proposal.change.preconditions} == {
        "state",
        "lockout",
        "alarms",
        "value",
    }
    assert {e.name for e in proposal.evidence} >= {"new speed", "present speed"}
    assert set(proposal.provenance.values()) == {Provenance.USER}
    assert desk.plant.writes == []


async def test_the_same_message_sent_twice_is_one_proposal(desk: Desk):
    actor = desk.office.actors["olga"]
    conversation = await desk.conversations.start(actor)
    for _ in range(2):
        async for _event in desk.agent.turn(actor, conversation, SET, key="message-1"):
            pass
    again = found(await desk.say(SET))
    assert again.summary.startswith("Already proposed as #1")
    assert len(desk.office.desk.list(tuple(State))) == 1


async def test_what_the_proposer_may_confirm_says_so(desk: Desk):
    assert "You have to confirm it yourself" in found(await desk.say("reserve 2 BRG-1")).summary


async def test_the_policy_says_no_in_words(desk: Desk):
    refused = problem(await desk.say("open the valve V-2 to 60"))  # olga's area is the other one
    assert refused.kind == "denied"
    assert "none of your areas" in refused.message
    assert desk.office.desk.get(1).state is State.POLICY_DENIED


async def test_what_the_site_does_not_let_be_changed_is_no_proposal(desk: Desk):
    assert problem(await desk.say("set the damper of K-1 to 50")).kind == "denied"
    assert desk.office.desk.list(tuple(State)) == []


async def test_an_answer_to_a_question_back_still_is_the_request(desk: Desk):
    conversation = await desk.conversations.start(desk.office.actors["olga"])
    await desk.say("set the speed to 1100", conversation=conversation)
    findings = found(await desk.say("the main fan", conversation=conversation))
    assert findings.summary.startswith("Proposed as #1: K-1 speed 1000 rpm -> 1100 rpm.")
    assert desk.office.desk.get(1).proposal.provenance["value"] is Provenance.USER


async def test_words_of_a_manual_taint_a_proposal_and_need_two_approvals(desk: Desk):
    conversation = await desk.conversations.start(desk.office.actors["olga"])
    await desk.say("what does the manual say about vibration?", conversation=conversation)
    await desk.say("make a work order for K-1 as it says", conversation=conversation)
    record = desk.office.desk.get(1)
    assert record.proposal.provenance["title"] is Provenance.RETRIEVED
    assert record.proposal.tainted
    assert record.approvals_needed == 2


async def mounted(gate: Gate, actor: Actor, text: str = SET) -> tuple[bool, str]:
    tools = await gate.mount(actor, text, CATALOGUE)
    return any(tool.risk is Risk.PROPOSE for tool in tools.tools), tools.refusal


async def test_who_may_propose_gets_the_tools_for_a_request_only(desk: Desk):
    gate, olga = desk.office.gate, desk.office.actors["olga"]
    assert await mounted(gate, olga) == (True, "")
    assert await mounted(gate, olga, "what happens if I set the speed to 1100?") == (False, "")
    assert await mounted(gate, olga, "P-1 vibration") == (False, "")
    proposes, refusal = await mounted(gate, replace(olga, authenticated=False))
    assert not proposes
    assert "signed in" in refusal
    proposes, refusal = await mounted(gate, desk.office.actors["ada"])
    assert not proposes
    assert "administrator" in refusal.lower()


async def test_a_message_that_may_not_be_proposed_is_not_planned(desk: Desk):
    stranger = replace(desk.office.actors["olga"], authenticated=False)
    answer = await desk.say(SET, stranger)
    assert "Sign in" in answer.text
    assert desk.planner.histories == []


async def test_the_kill_switch_takes_the_tools_away(desk: Desk):
    with db.writing(desk.office.engine) as connection:
        switches.stop(connection, "sara", "fire drill", desk.office.plant.now())
    answer = await desk.say(SET)
    assert "stopped for everybody by sara: fire drill" in answer.text
    assert desk.office.desk.list(tuple(State)) == []


async def test_a_change_without_a_tool_cannot_be_made_up(desk: Desk):
    call = Call("read_signals", {"asset": "K-1"})
    olga = desk.office.actors["olga"]
    with pytest.raises(Failed, match="asks for no change"):
        await desk.office.gate.propose(olga, "", "key", call, Findings("nothing"), {})


async def test_a_claimed_role_is_not_believed(desk: Desk):
    boss = replace(desk.office.actors["olga"], areas=("*",))
    assert problem(await desk.say("open the valve V-2 to 60", boss)).kind == "denied"
    ghost = replace(boss, name="ghost", person="ghost")
    assert problem(await desk.say(SET, ghost)).kind == "denied"


def test_a_reduced_registry_is_made_once():
    assert without_changes(CATALOGUE) is without_changes(CATALOGUE)
    assert [tool.risk for tool in without_changes(CATALOGUE)].count(Risk.PROPOSE) == 0


PROBE = """
import asyncio, sys
from pathlib import Path
from copilot.actor import Actor, Role
from copilot.app import bootstrap
from copilot.settings import load_settings
from copilot.events import Answered

async def main():
    copilot = bootstrap(load_settings(Path("copilot.toml")))
    actor = Actor("ana", Role.ENGINEER, areas=("*",))
    async for event in copilot.agent.turn(actor, "", "set the speed of K-1 to 1100"):
        if isinstance(event, Answered):
            print(event.text)
    await copilot.close()

asyncio.run(main())
parts = ("copilot.gate", "copilot.approvals", "copilot.policy", "copilot.executor", "cedarpy")
print("LOADED", [name for name in sys.modules if name.startswith(parts)])
"""


@pytest.mark.parametrize("mode", ["read-only", "propose"])
def test_where_changes_are_off_no_code_for_them_is_loaded(tmp_path: Path, mode: str):
    settle(tmp_path, "opc.tcp://127.0.0.1:9/")
    (tmp_path / "copilot.toml").write_text(f'[changes]\nmode = "{mode}"\n', encoding="utf-8")
    run = [sys.executable, "-c", PROBE]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("LOADED []" in done.stdout) == (mode == "read-only")
    assert (READ_ONLY in done.stdout) == (mode == "read-only")


async def test_what_a_tool_refuses_is_on_record_and_counted(desk: Desk):
    """The safety system is not asked about: the tool itself refuses, and the breaker sees it."""
    text = "set the overspeed trip of K-1 to 1700"
    assert problem(await desk.say(text)).kind == "denied"
    with db.reading(desk.office.engine) as connection:
        rows = [read_strict(row.text) for row in read_rows(connection)]
        counted = connection.execute(select(tables.refusals.c.person)).scalars().all()
    assert (rows[-1]["kind"], rows[-1]["actor"]) == ("proposal.refused", "olga")
    assert rows[-1]["data"]["says"].startswith("write_setpoint asset='K-1'")
    assert counted == ["olga"]
    assert desk.office.desk.list(tuple(State)) == []
