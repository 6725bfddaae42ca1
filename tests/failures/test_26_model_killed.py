"""26: the process with the model is killed; proposals are still listed, approved, carried out."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from account_fixture import PASSWORD
from executor_fixture import Floor
from faults.changes import set_to

from copilot.approvals.states import State

SETTINGS = """\
plant = "plant.toml"
cache = "{folder}/cache"
[opcua]
url = "{opcua}"
[database]
own = "{own}"
plant = "sqlite:///erp.db"
[changes]
mode = "propose"
"""

# What the chat is at its worst moment: planning, with the database's write lock in its hand.
CHAT = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from copilot import db
from copilot.llm.planner import LlamaPlanner
from copilot.settings import ModelSettings
from copilot_tools.catalogue import CATALOGUE

async def plan_for_ever(url, cache):
    planner = LlamaPlanner(ModelSettings(threads=1), cache, CATALOGUE)
    await planner.warm()
    with db.writing(db.open_database(url)) as connection:
        connection.execute(text("DELETE FROM conversations"))
        print("half way", flush=True)
        while True:
            await planner.plan("which machines are stopped?", (), CATALOGUE)

asyncio.run(plan_for_ever(sys.argv[1], Path(sys.argv[2])))
"""

PARTS = (
    "copilot.cli.approvals",
    "copilot.cli.approval_counter",
    "copilot.cli.executor",
    "copilot.cli.policy",
    "copilot.cli.audit",
    "copilot.executor.process",
    "copilot.audit.signer",
    "copilot.audit.export",
)


def run(*arguments: str, said: str = "") -> str:
    """What a command prints; it must succeed."""
    program = "from copilot.cli.approvals import approvals; approvals()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_part_of_deciding_or_carrying_out_ever_loads_a_model():
    program = (
        "import importlib, sys\n"
        f"for name in {PARTS}: importlib.import_module(name)\n"
        "print([name for name in sys.modules if name.startswith(('llama_cpp', 'copilot.llm'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.model
def test_after_the_model_is_killed_people_and_executor_go_on(floor: Floor, model_cache: Path):
    waiting = floor.submit(set_to("speed", 1050.0, 1000.0, floor.site))
    config = floor.folder / "copilot.toml"
    text = SETTINGS.format(opcua=floor.plc.url, own=floor.own_url, folder=floor.folder)
    config.write_text(text, encoding="utf-8")
    chat = subprocess.Popen(
        [sys.executable, "-c", CHAT, floor.own_url, str(model_cache)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert chat.stdout is not None
        assert chat.stdout.readline() == "half way\n"
    finally:
        chat.send_signal(signal.SIGKILL)
        chat.wait()
        chat.stdout.close()
    at = ("--config", str(config))
    assert waiting.proposal.change.says in run("list", *at)
    number = str(waiting.number)
    decided = ("--user", "boss", "--reason", "fine", "--password-stdin")
    run("approve", number, *decided, *at, said=f"{PASSWORD}\n")
    assert floor.state(waiting) is State.READY
    floor.start().wait_until_ready()
    floor.wait_for(waiting, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
