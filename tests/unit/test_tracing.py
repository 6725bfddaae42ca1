import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from copilot.events import Outcome, Problem, Watched
from copilot.web.watch.tracing import Traces
from copilot_tools.tool import Call

ROOT = Path(__file__).parents[2]
BEGAN = 1_700_000_000_000_000_000


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(spans: InMemorySpanExporter) -> Traces:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Traces(provider)


def test_a_request_is_named_by_its_route(traces: Traces, spans: InMemorySpanExporter) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with traces.request("GET", {"traceparent": parent}) as name:
        name("/plant/assets/{asset}", 200)
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /plant/assets/{asset}"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"


def test_a_turn_holds_its_plan_and_its_calls(traces: Traces, spans: InMemorySpanExporter) -> None:
    failed = Outcome(0, Call("list_alarms", {}), Problem("unavailable", "no answer"), 0.25)
    traces.watch(Watched("olga", "run-1", BEGAN, 1.0, 0.5, (failed,), answered=True))
    plan, call, turn = spans.get_finished_spans()
    assert [plan.name, call.name] == ["plan", "execute_tool list_alarms"]
    assert turn.context is not None
    for inner in (plan, call):
        assert inner.parent is not None
        assert inner.parent.span_id == turn.context.span_id
    assert call.attributes is not None
    assert call.attributes["gen_ai.tool.name"] == "list_alarms"
    assert call.attributes["copilot.outcome"] == "unavailable"
    assert (turn.start_time, turn.end_time) == (BEGAN, BEGAN + 1_000_000_000)
    assert (call.start_time, call.end_time) == (BEGAN + 500_000_000, BEGAN + 750_000_000)


def test_without_an_endpoint_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, copilot.web.watch.observed\nprint('copilot.web.watch.tracing' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"
