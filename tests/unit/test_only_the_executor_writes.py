import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITES = re.compile(
    r"\.(write_value|set_value|write_attribute\w*|set_attribute\w*|call_method|write_values"
    r"|history_update|add_nodes|delete_nodes)\("
    r"|session\.(write|call)\(|WriteParameters|WriteValue\b|CallMethodRequest"
)
MAY_WRITE = ("copilot/executor/", "copilot/demo/")  # The demo plant is the other end of the wire.


def test_nothing_but_the_executor_uses_a_write_or_call_of_opc_ua():
    sources = [
        path.relative_to(ROOT).as_posix()
        for root in ("copilot", "tools", "knowledge")
        for path in sorted((ROOT / root).rglob("*.py"))
        if WRITES.search(path.read_text(encoding="utf-8"))
    ]
    assert [path for path in sources if not path.startswith(MAY_WRITE)] == []
    assert "copilot/executor/opcua_write.py" in sources


def test_the_executor_writes_in_one_place_only():
    places = {
        path.name
        for path in (ROOT / "copilot" / "executor").glob("*.py")
        if WRITES.search(path.read_text(encoding="utf-8"))
    }
    assert places == {"opcua_write.py"}
