import re
from pathlib import Path

from faults.changes import SITE

from copilot.executor.actuators import Seen, Sent, actuators
from copilot.executor.opcua_write import WriteConnection
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.changes import Change
from copilot_tools.tool import Risk

ROOT = Path(__file__).parents[2]
WRITES = re.compile(
    r"\.(write_value|set_value|write_attribute\w*|set_attribute\w*|call_method|write_values"
    r"|history_update|add_nodes|delete_nodes)\("
    r"|session\.(write|call)\(|WriteParameters|WriteValue\b|CallMethodRequest"
)
SPANS = "copilot/web/watch/tracing.py"  # Spans of a trace have attributes to set, too.
MAY_WRITE = ("copilot/executor/", "copilot/demo/")  # The demo plant is the other end of the wire.


def test_nothing_but_the_executor_uses_a_write_or_call_of_opc_ua():
    sources = [
        path.relative_to(ROOT).as_posix()
        for root in ("copilot", "tools", "knowledge")
        for path in sorted((ROOT / root).rglob("*.py"))
        if WRITES.search(path.read_text(encoding="utf-8"))
    ]
    assert [path for path in sources if not path.startswith(MAY_WRITE)] == [SPANS]
    assert "asyncua" not in (ROOT / SPANS).read_text(encoding="utf-8")
    assert "copilot/executor/opcua_write.py" in sources


def test_the_executor_writes_in_one_place_only():
    places = {
        path.name
        for path in (ROOT / "copilot" / "executor").glob("*.py")
        if WRITES.search(path.read_text(encoding="utf-8"))
    }
    assert places == {"opcua_write.py"}


def test_every_change_that_can_be_proposed_has_somebody_to_carry_it_out():
    proposing = {tool.name for tool in CATALOGUE if tool.risk is Risk.PROPOSE}
    opcua = WriteConnection("opc.tcp://127.0.0.1:1/")
    assert set(actuators(SITE, opcua, _Nobody())) == proposing


class _Nobody:
    """Carries nothing out; only its place in the table is looked at."""

    async def prepare(self, change: Change) -> None:
        raise AssertionError

    async def send(self, change: Change, key: str) -> Sent:
        raise AssertionError

    async def read_back(self, change: Change, key: str) -> Seen:
        raise AssertionError
