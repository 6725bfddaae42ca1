"""Metrics for Prometheus: few, named by hand, and no label that a visitor could invent."""

import asyncio
from collections import Counter as Count

from fastapi import APIRouter
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Engine, func, select
from starlette.responses import Response

from copilot import tables
from copilot.approvals.states import State
from copilot.db import reading
from copilot.events import Problem, Watched
from copilot.web.access import Reader, Served
from copilot.web.watch.watching import Watching
from copilot_tools.errors import Unavailable

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# When each series began would be as many series again, for nothing.
disable_created_metrics()  # type: ignore[no-untyped-call]
router = APIRouter(include_in_schema=False)


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "copilot_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self._turn = Histogram(
            "copilot_turn_seconds", "A whole turn.", buckets=SECONDS, registry=self.registry
        )
        self._tool = Histogram(
            "copilot_tool_seconds",
            "One call of a tool.",
            ("tool", "outcome"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._approvals = Gauge(
            "copilot_approvals", "Proposals by state.", ("state",), registry=self.registry
        )
        self._sources = Gauge(
            "copilot_source_age_seconds",
            "Since a source answered last.",
            ("source",),
            registry=self.registry,
        )
        self._streams = Gauge(
            "copilot_streams", "Streams of events that are open.", registry=self.registry
        )

    def answered(self, route: str, status: int) -> None:
        """A request was answered; `route` is its template, never the path that was asked for."""
        self._requests.labels(route, str(status)).inc()

    def stream(self, opened: bool) -> None:
        """A stream of events began or ended."""
        self._streams.inc(1 if opened else -1)

    def watch(self, turn: Watched) -> None:
        """A turn is over."""
        self._turn.observe(turn.seconds)
        for outcome in turn.outcomes:
            result = outcome.result
            said = result.kind if isinstance(result, Problem) else "found"
            self._tool.labels(outcome.call.tool, said).observe(outcome.seconds)

    def text(self, approvals: Count[str], ages: dict[str, float]) -> bytes:
        """Everything as Prometheus reads it, with what is only counted when asked."""
        for state in State:
            self._approvals.labels(state).set(approvals[state])
        for source, age in ages.items():
            self._sources.labels(source).set(age)
        return generate_latest(self.registry)


@router.get("/metrics")
async def tell_metrics(visitor: Reader, services: Served, watch: Watching) -> Response:
    """The metrics, for whoever may read: Prometheus does so with a service token."""
    await watch.sources.look()
    approvals = await asyncio.to_thread(_count, services.copilot.database)
    text = watch.metrics.text(approvals, watch.sources.ages())
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _count(engine: Engine) -> Count[str]:
    """Proposals by state; none where the database does not answer."""
    c = tables.proposals.c
    query = select(c.state, func.count()).group_by(c.state)
    try:
        with reading(engine) as connection:
            return Count({str(state): number for state, number in connection.execute(query)})
    except Unavailable:
        return Count()
