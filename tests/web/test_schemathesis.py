"""Random requests to every operation of the interfaces, from the plant's own words and garbage.

COPILOT_SCHEMATHESIS_EXAMPLES is how many requests each operation gets of either kind, valid and
not.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance
from served_works import serve
from unit.plant_fixture import (
    ago,
    count,
    inspection,
    part,
    production_order,
    purchase_order,
    work_order,
)
from web_fixture import Works

from copilot.web.api.document import describe

EXAMPLES = int(os.environ.get("COPILOT_SCHEMATHESIS_EXAMPLES", "6"))
# A name may be unknown and a source silent: then a request of the right form is refused.
NOT_CHECKED = [not_a_server_error, positive_data_acceptance]

WINDOWS = ("30m", "8h", "7d", "9999d", "shift", "today", "yesterday", "week", "month", "0m", "fünf")
MACHINES = ("M-1", "m1", "Mixer", "the pump", "P-2", "P-9", "M-1.speed", "N", "L1", "", "M-1\x00")
WORDS: dict[str, tuple[Any, ...]] = {
    "asset": MACHINES,
    "area": ("N", "South", "", "X"),
    "line": ("L1", "Line 1", "line 9"),
    "signal": ("motor current", "current", "speed", "flow", "%", "'; drop table"),
    "signals": (["motor current"], ["speed", "motor current"], ["flow"], []),
    "window": WINDOWS,
    "component": ("DE bearing", "bearing", "gearbox"),
    "query": ("mixer", "BRG-6309", "how to align", '"unbalanced', "AND", "*", "\u202e"),
    "symptom": ("high current", "vibration", "it stopped"),
    "batch": ("B-1", "B-%"),
    "text": ("how is the mixer?", "hello", "set the mixer to 1050 rpm", "\ud83d\ude00", "?"),
    "model": ("industrial-copilot", "gpt-9"),
    "stream": (True, False),
    "messages": (
        [{"role": "user", "content": "how is the mixer?"}],
        [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello."}],
    ),
}


@st.composite
def requests_to(draw: st.DrawFn, operation: Any, mode: GenerationMode) -> Any:
    """A request to an operation; one of the right form speaks of the plant more often than not."""
    case = draw(operation.as_strategy(generation_mode=mode))
    if mode is GenerationMode.POSITIVE:
        for part in (case.body, case.path_parameters, case.query):
            for name in WORDS.keys() & part if isinstance(part, dict) else ():
                if draw(st.integers(0, 3)):
                    part[name] = draw(st.sampled_from(WORDS[name]))
        if case.path_parameters.get("asset") == "":
            case.path_parameters["asset"] = "M-1"
    return case


def bombard(operation: Any, mode: GenerationMode, send: Callable[[Any], None]) -> None:
    """Send many requests of one kind to one operation."""

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=HealthCheck
    )
    @given(requests_to(operation, mode))
    def run(case: Any) -> None:
        send(case)

    run()


def bombard_all(url: str, headers: dict[str, str]) -> Counter[int]:
    """Send requests to all operations; how many there were of each status."""
    schema = schemathesis.openapi.from_dict(describe())
    sent: Counter[int] = Counter()
    with requests.Session() as session:

        def send(case: Any) -> None:
            response = case.call(base_url=url, headers=headers, session=session)
            sent[response.status_code] += 1
            assert response.status_code < 500 or response.status_code == 503, response.text
            case.validate_response(response, excluded_checks=NOT_CHECKED, headers=headers)

        for found in schema.get_all_operations():
            operation = found.ok()
            bombard(operation, GenerationMode.POSITIVE, send)
            if operation.body or operation.query or operation.path_parameters:
                bombard(operation, GenerationMode.NEGATIVE, send)
    return sent


async def test_no_request_breaks_the_interfaces_or_their_document(works: Works):
    works.insert("parts", part("BRG-6309", "deep groove bearing", fits=["M-1"]))
    works.insert("work_orders", work_order("WO-9", "M-1", title="replace coupling"))
    works.insert("production_orders", production_order("PO-1", "syrup", line="L1"))
    works.insert("purchase_orders", purchase_order("PU-1", "BRG-6309", "deep groove bearing"))
    works.insert("production_counts", {**count(ago(hours=2), 60, 900, 880), "line": "L1"})
    works.insert("inspections", inspection(1, ago(hours=1), "underfill", line="L1"))
    headers = {"Authorization": f"Bearer {works.services.tokens.add('any', 30, by='root')}"}
    async with serve(works) as url:
        sent = await asyncio.to_thread(bombard_all, url, headers)
    print(f"{sent.total()} requests: {dict(sent)}")
    assert sent[200]
    assert sent[400]


BODIES = (
    b'{"text": "hello", "text": "how is the mixer?"}',
    b'{"text": NaN}',
    b'{"text": 1e999}',
    b'{"text": 0.1000000000000000000000001}',
    b'{"text": "\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"query": "\\ud800"}',
    b'{"model": "\\ud800", "messages": [{"role": "user", "content": "\\ud800"}]}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\xef\xbb\xbf{}",
    b"null",
    b"\xff\xfe",
    b'{"text": ' + b"9" * 5000 + b"}",
)
PATHS = ("/api/v1/ask", "/api/v1/tools/find_assets", "/v1/chat/completions", "/mcp")


async def test_no_body_breaks_the_server(works: Works):
    client = await works.client(
        Accept="application/json, text/event-stream",
        Authorization=f"Bearer {works.services.tokens.add('any', 30, by='root')}",
    )
    headers = {"Content-Type": "application/json"}
    for path in PATHS:
        for body in BODIES:
            answer = await client.post(path, content=body, headers=headers)
            assert answer.status_code in (400, 422), (path, body[:40], answer.text)
            assert answer.json()["error"]["message"]
        large = await client.post(path, content=b" " * 1_000_001, headers=headers)
        assert large.status_code == 413
