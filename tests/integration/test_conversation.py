"""Whole conversations with the demo plant: the real model, OPC UA server, database and files."""

import ast
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from copilot.app import bootstrap
from copilot.demo.home import prepare
from copilot.demo.process import ChildProcess, start_executor, start_plant
from copilot.demo.site import PASSWORD, demo_actor, demo_settings, executor_file, settle_people
from copilot.events import Answered, Noticed, Problem
from copilot.grounding import ungrounded
from copilot.settings import DatabaseSettings, Settings
from copilot_tools.facts import Findings, Quality
from copilot_tools.site.load import load_site

pytestmark = pytest.mark.model


@dataclass(frozen=True)
class Site:
    """A demo plant that runs."""

    home: Path
    settings: Settings
    plant: ChildProcess


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    prepare(folder, seed=11, now=datetime.now(UTC), days=30)
    return folder


@pytest.fixture(scope="module")
def site(home: Path, model_cache: Path) -> Iterator[Site]:
    plant = start_plant(home)
    try:
        url = plant.wait_until_ready()
        settings = demo_settings(home, url, model_cache)
        settle_people(settings.database.own)
        executor = start_executor(executor_file(home))
        try:
            executor.wait_until_ready()
            yield Site(home, settings, plant)
        finally:
            executor.stop()
    finally:
        plant.stop()


async def converse(settings: Settings, questions: Sequence[str]) -> list[Answered]:
    """The answers to questions of one conversation."""
    copilot = bootstrap(settings)
    try:
        conversation = await copilot.conversations.start(USER)
        answers = []
        for question in questions:
            async for event in copilot.agent.turn(USER, conversation, question):
                if isinstance(event, Answered):
                    answers.append(event)
                assert not isinstance(event, Noticed)
        return answers
    finally:
        await copilot.close()


def tools(answer: Answered) -> list[str]:
    return [outcome.call.tool for outcome in answer.outcomes]


USER = demo_actor("olga")
QUESTIONS = (
    "what is the flow of P-101?",
    "show the DE bearing vibration of P-101 over the last 2 days",
    "which alarms are active?",
    "is the air compressor behaving normally?",
    "how long will the DE bearing of P-101 last?",
    "why is the vibration of P-101 so high?",
    "how many rejects did line 1 have today?",
    "what is the tightening torque of the seal cover on P-101?",
    "do we have 6309 bearings in stock?",
    "open work orders for P-101",
    "which purchase orders are late?",
    "OEE of line 2 this week",
    "which machines are stopped?",
    "what does F9998 mean?",
    "set the speed of P-101 to 2850 rpm",
    "tell me a joke",
)


async def test_every_question_is_answered_and_every_number_stands_in_a_fact(site: Site):
    answers = await converse(site.settings, QUESTIONS)
    zone = load_site(site.settings.plant).time_zone
    for question, answer in zip(QUESTIONS, answers, strict=True):
        assert answer.outcomes, question
        assert all(isinstance(outcome.result, Findings) for outcome in answer.outcomes), question
        assert ungrounded(answer.text, answer.outcomes, zone) == [], question


async def test_follow_ups_and_several_questions_at_once(site: Site):
    first, second, third = await converse(
        site.settings,
        (
            "what is the flow of feed pump B?",
            "and its motor current?",
            "suction pressure of P-101 and do we have strainer baskets?",
        ),
    )
    assert tools(first) == ["read_signals"]
    assert tools(second) == ["read_signals"]
    assert {fact.subject for fact in second.outcomes[0].result.facts} == {"P-102"}
    assert tools(third) == ["read_signals", "find_parts"]


async def test_a_wrong_or_ambiguous_machine_is_asked_back(site: Site):
    (unknown,) = await converse(site.settings, ("what is the flow of P-999?",))
    (ambiguous,) = await converse(site.settings, ("what is the flow of the feed pump?",))
    assert isinstance(unknown.outcomes[0].result, Problem)
    assert unknown.outcomes[0].result.kind == "retry"
    offered = {candidate.key for candidate in ambiguous.outcomes[0].result.candidates}
    assert offered == {"P-101", "P-102"}


async def test_a_wrong_database_leaves_the_rest(site: Site, tmp_path: Path):
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"no database" * 500)
    own = site.settings.database.own
    database = DatabaseSettings(plant=f"sqlite:///{junk}", own=own)
    settings = site.settings.model_copy(update={"database": database})
    parts, flow = await converse(settings, ("do we have 6309 bearings?", "flow of P-101"))
    assert isinstance(parts.outcomes[0].result, Problem)
    assert len(parts.text.splitlines()) == 1
    assert isinstance(flow.outcomes[0].result, Findings)


def command(site: Site, *words: str, **more: str) -> dict:
    """How to run the command line on this site."""
    environment = os.environ | {
        "COPILOT_CACHE": str(site.settings.cache),
        "COPILOT_OPCUA__URL": site.settings.opcua.url,
    }
    return {
        "args": [
            sys.executable,
            "-m",
            "copilot",
            *words,
            "--config",
            str(site.home / "copilot.toml"),
        ],
        "env": environment | more,
        "capture_output": True,
        "timeout": 60,
    }


def test_the_command_line_answers_as_json(site: Site):
    done = subprocess.run(**command(site, "ask", "stock of 6309 bearings", "--json"), check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["outcomes"][0]["call"]["tool"] == "find_parts"
    assert "BRG-6309" in record["text"]


def test_junk_typed_into_the_chat_gets_one_line_each(site: Site):
    lines = [b"\xff\xfe\x00\x80", b"\x01\x02", b"x" * 100_000, b"stock of 6309 bearings", b"exit"]
    done = subprocess.run(**command(site, "chat"), input=b"\n".join(lines) + b"\n", check=False)
    output = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert "Traceback" not in output + done.stderr.decode()
    assert "100,000 characters" in output
    assert "BRG-6309" in output


def test_a_corrupt_plant_model_is_one_line(site: Site, tmp_path: Path):
    broken = site.home / "broken.toml"
    broken.write_text("[site]\nid = = 3\n", encoding="utf-8")
    done = subprocess.run(
        **command(site, "ask", "flow of P-101", COPILOT_PLANT=str(broken)), check=False
    )
    assert done.returncode == 2
    error = done.stderr.decode().strip().splitlines()
    assert len(error) == 1
    assert "line 2" in error[0]


def test_doctor_is_content_here_and_names_what_is_wrong_elsewhere(site: Site):
    well = subprocess.run(**command(site, "doctor", "--json"), check=False)
    assert well.returncode == 0, well.stdout
    ill = subprocess.run(
        **command(site, "doctor", "--json", COPILOT_OPCUA__URL="opc.tcp://127.0.0.1:9/"),
        check=False,
    )
    checks = {check["name"]: check for check in json.loads(ill.stdout)}
    assert {"policy", "people", "executor"} <= checks.keys()
    assert ill.returncode == 1
    assert not checks["OPC UA"]["ok"]
    assert checks["OPC UA"]["mend"]
    assert checks["ERP"]["ok"]


WATCHED = """
import sys
seen = []
sys.addaudithook(lambda name, args: seen.append(args[1]) if name == "socket.connect" else None)
sys.argv = ["copilot", *sys.argv[1:]]
from copilot.cli import main
try:
    main()
except SystemExit:
    pass
print("CONNECTED", [list(a) if isinstance(a, tuple) else str(a) for a in seen])
"""


def test_nothing_is_connected_but_what_is_configured(site: Site):
    run = command(
        site, "ask", "flow of P-101", "torque of the seal cover", "stock of 6309 bearings",
        LANGSMITH_TRACING="true", LANGSMITH_API_KEY="x",
    )  # fmt: skip
    run["args"] = [sys.executable, "-c", WATCHED, *run["args"][3:]]
    done = subprocess.run(**run, check=False)
    line = next(x for x in done.stdout.decode().splitlines() if x.startswith("CONNECTED"))
    port = int(site.settings.opcua.url.rstrip("/").rpartition(":")[2])
    connected = ast.literal_eval(line.removeprefix("CONNECTED "))
    assert {tuple(address[:2]) for address in connected} == {("127.0.0.1", port)}


CONFINED = """
import sys
opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == "open" else None)
sys.argv = ["copilot", *sys.argv[1:]]
from copilot.cli import main
try:
    main()
except SystemExit:
    pass
ours = [name for name in sys.modules if name.startswith("copilot.executor")]
print("OPENED", ours + [path for path in opened if "/executor/" in path])
"""


def test_the_process_that_proposes_holds_no_right_to_write(site: Site):
    secret = (site.home / "executor" / "secret").read_text(encoding="utf-8")
    run = command(site, "ask", "stop conveyor CV-11", "--user", "olga", "--password-stdin")
    run["args"] = [sys.executable, "-c", CONFINED, *run["args"][3:]]
    done = subprocess.run(**run, input=f"{PASSWORD}\n".encode(), check=False)
    text = done.stdout.decode()
    assert "Proposed as #" in text, done.stderr
    assert "OPENED []" in text
    assert secret not in json.dumps([run["env"], run["args"]])


async def test_a_server_that_dies_leaves_an_honest_partial_answer(site: Site):
    """The last test of this module: it ends the server that the others use."""
    copilot = bootstrap(site.settings)
    try:
        conversation = await copilot.conversations.start(USER)
        answers = []
        for question in (
            "what is the flow of P-101?",
            "flow of P-101 and stock of 6309 bearings",
            "open work orders for P-101",
        ):
            if len(answers) == 1:
                site.plant.stop()
            async with asyncio.timeout(20):
                async for event in copilot.agent.turn(USER, conversation, question):
                    if isinstance(event, Answered):
                        answers.append(event)
    finally:
        await copilot.close()
    live, stock = answers[1].outcomes
    if isinstance(live.result, Findings):
        assert "no live values" in live.result.summary
        stored = [fact for fact in live.result.facts if "last stored" in fact.name]
        assert all(fact.quality is Quality.STALE for fact in stored)
    else:
        assert live.result.kind == "unavailable"
    assert isinstance(stock.result, Findings)
    assert isinstance(answers[2].outcomes[0].result, Findings)
