"""Traces by OpenTelemetry: a span for each request, each turn, its plan and its calls of tools.

Needs the extra `otel`, and is loaded only where $OTEL_EXPORTER_OTLP_ENDPOINT says where traces go.
The names of GenAI spans are still in development at OpenTelemetry: they stand here alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from copilot.events import Problem, Watched
from copilot_tools.errors import Failed

SERVICE = "industrial-copilot"
NS = 1_000_000_000


def open_traces() -> "Traces":
    """Traces that go where the standard variables say; raises Failed without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise Failed("traces need the extra: pip install 'industrial-copilot[otel]'") from None
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)


class Traces:
    """Makes the spans; `provider` is an OpenTelemetry TracerProvider."""

    def __init__(self, provider: Any) -> None:
        self._tracer = provider.get_tracer(SERVICE)

    @contextmanager
    def request(
        self, method: str, headers: Mapping[str, str]
    ) -> Iterator[Callable[[str, int], None]]:
        """A span around a request; what it gives is told route and status at the end."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        start = self._tracer.start_as_current_span
        with start(method, extract(dict(headers)), kind=SpanKind.SERVER) as span:

            def name(route: str, status: int) -> None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.response.status_code", status)

            yield name

    def watch(self, turn: Watched) -> None:
        """The spans of a turn that is over: the plan first, then the calls side by side."""
        from opentelemetry.trace import set_span_in_context

        attributes = {"gen_ai.operation.name": "invoke_agent", "copilot.run": turn.key}
        whole = self._tracer.start_span(
            "invoke_agent copilot", start_time=turn.began, attributes=attributes
        )
        inside = set_span_in_context(whole)
        planned = turn.began + round((turn.plan_s or 0.0) * NS)
        if turn.plan_s is not None:
            plan = self._tracer.start_span("plan", inside, start_time=turn.began)
            plan.end(planned)
        for outcome in turn.outcomes:
            tool, result = outcome.call.tool, outcome.result
            call = self._tracer.start_span(
                f"execute_tool {tool}",
                inside,
                start_time=planned,
                attributes={
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": tool,
                    "copilot.outcome": result.kind if isinstance(result, Problem) else "found",
                },
            )
            call.end(planned + round(outcome.seconds * NS))
        whole.end(turn.began + round(turn.seconds * NS))
