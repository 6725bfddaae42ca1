"""Every request and every turn in the log, in the metrics and in a trace."""

import logging
import os

from fastapi import FastAPI

from copilot.events import Problem, Watched
from copilot.web.services import Services
from copilot.web.watch.metrics import Metrics
from copilot.web.watch.requests import Requests
from copilot.web.watch.sources import Sources
from copilot.web.watch.watching import Watch

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

_log = logging.getLogger("copilot.web.turns")


def observe(app: FastAPI) -> None:
    """Watch the requests of an application, and the turns of its copilot."""
    services: Services = app.state.services
    watch = Watch(Metrics(), Sources(services.copilot.plant))
    app.state.watch = watch
    watchers = services.copilot.agent.watchers
    watchers += [watch.metrics.watch, log_turn]
    traces = None
    if os.environ.get(ENDPOINT):
        from copilot.web.watch.tracing import open_traces

        traces = open_traces()
        watchers.append(traces.watch)
    app.add_middleware(Requests, metrics=watch.metrics, traces=traces)


def log_turn(turn: Watched) -> None:
    """One line about a turn; what was asked and answered is not in it."""
    tools = {
        outcome.call.tool: outcome.result.kind if isinstance(outcome.result, Problem) else "found"
        for outcome in turn.outcomes
    }
    facts = {
        "run": turn.key,
        "account": turn.name,
        "tools": tools,
        "plan_s": round(turn.plan_s, 3) if turn.plan_s is not None else None,
        "seconds": round(turn.seconds, 3),
        "answered": turn.answered,
    }
    _log.info("turn", extra=facts)
