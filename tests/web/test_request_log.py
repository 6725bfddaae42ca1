import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from account_fixture import PASSWORD
from web_fixture import Works

from copilot.actor import Actor, Role
from copilot.web.watch.logs import configure_logs

OLGA = Actor("olga", Role.OPERATOR, "olga", ("N",), authenticated=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture
def log(root: logging.Logger) -> io.StringIO:
    """What is logged as JSON."""
    stream = io.StringIO()
    configure_logs(stream)
    return stream


def lines(log: io.StringIO, logger: str = "copilot.web.requests") -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in found if line["logger"] == logger]


async def test_a_request_is_one_line_under_the_number_that_was_answered(
    works: Works, log: io.StringIO
) -> None:
    client = await works.client("olga")
    answer = await client.get("/account")
    line = lines(log)[-1]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["event"] == "request"
    assert (line["method"], line["status"], line["account"]) == ("GET", answer.status_code, "olga")
    assert line["ms"] >= 0
    assert line["timestamp"].endswith("Z")


async def test_words_and_secrets_are_not_in_it(works: Works, log: io.StringIO) -> None:
    client = await works.client("olga")
    await client.get("/no/such-page", params={"ask": "swordfish"})
    await client.get("/healthz", headers={"Authorization": "Bearer swordfish"})
    token = next(iter(client.cookies.jar)).value
    for secret in ("swordfish", "such-page", PASSWORD, str(token), works.csrf(client)):
        assert secret not in log.getvalue()
    assert lines(log)[-1]["route"] == "(none)"


async def test_refused_requests_are_in_it(works: Works, log: io.StringIO) -> None:
    client = await works.client()
    answer = await client.get("/healthz", headers={"Host": "elsewhere"})
    assert answer.headers["X-Request-ID"] == lines(log)[-1]["request_id"]
    assert lines(log)[-1]["status"] == 421


async def test_probes_are_not(works: Works, log: io.StringIO) -> None:
    client = await works.client()
    await client.get("/healthz")
    assert lines(log) == []


async def test_a_turn_is_one_line_without_its_words(works: Works, log: io.StringIO) -> None:
    agent, conversations = works.services.copilot.agent, works.services.copilot.conversations
    conversation = await conversations.start(OLGA)
    async for _ in agent.turn(OLGA, conversation, "how is the mixer?", "run-1"):
        pass
    (line,) = lines(log, "copilot.web.turns")
    assert (line["run"], line["account"], line["answered"]) == ("run-1", "olga", True)
    assert line["tools"] == {"read_signals": "found"}
    assert line["seconds"] >= line["plan_s"] >= 0
    assert "mixer" not in log.getvalue()


def test_on_a_terminal_it_is_for_people(root: logging.Logger) -> None:
    terminal = Terminal()
    configure_logs(terminal)
    logging.getLogger("copilot.web").info("here", extra={"route": "/plant"})
    assert "here" in terminal.getvalue()
    assert "/plant" in terminal.getvalue()
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(terminal.getvalue())


def test_errors_carry_their_trace_and_uvicorn_speaks_the_same(log: io.StringIO) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("bad", extra={"color_message": "bad"})
    (line,) = lines(log, "uvicorn.error")
    assert "RuntimeError: broken" in line["exception"]
    assert "color_message" not in line
