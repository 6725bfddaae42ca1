import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

import pytest

from copilot.llm.errors import Busy, ModelMissing, TimedOut
from copilot_tools.errors import Candidate, Denied, Failed, Retry, ToolError, Unavailable
from copilot_tools.models.registry.manifest import Unusable

SINCE = datetime(2026, 11, 21, 12, tzinfo=UTC)
ERRORS = [
    ToolError("no answer"),
    Retry("which one?", (Candidate("K-1", "raw pump", 0.9), Candidate("K-2", "spare", 0.4))),
    Failed("done and failed"),
    Denied("not for you"),
    Unavailable("the CMMS", "timed out", SINCE),
    Unavailable("the CMMS", "timed out"),
    Unusable("behaviour K-1 v3: is damaged"),
    ModelMissing("no such file"),
    Busy(7),
    TimedOut(2.5),
]


def same(given: ToolError, found: ToolError) -> bool:
    sides = [(type(e), str(e), e.args, vars(e)) for e in (given, found)]
    return sides[0] == sides[1]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_all_it_says_in_another_process(error: ToolError):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert same(error, pickle.loads(pickle.dumps(error, protocol)))
    assert same(error, copy.copy(error))


def fail(error: ToolError) -> None:
    raise error


def test_what_a_worker_raises_reaches_whoever_asked():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for error in ERRORS:
            with pytest.raises(type(error)) as found:
                pool.submit(fail, error).result()
            assert same(error, found.value)
