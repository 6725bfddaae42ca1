"""Killed while it writes, the watch over the machines finds a whole state again."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import time

import numpy as np

from copilot.health.watch.memory import Learnt, Memory

LEARNT = Learnt(datetime(2026, 11, 21, 12, tzinfo=UTC), ())
WRITER = """
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np

from copilot.health.watch.memory import Ended, Learnt, Memory, WatchState
from copilot.health.watch.standing import Standing

memory, learnt = Memory(Path(sys.argv[1])), Learnt(datetime(2026, 11, 21, 12, tzinfo=UTC), ())
memory.keep_learnt(learnt)
for number in count(1):
    arrays = {name: np.full(50_000, float(number)) for name in ("levels", "scores")}
    standing = Standing({"K-1": datetime.fromtimestamp(number, UTC)})
    memory.keep_state(learnt, WatchState(arrays, [Ended("K-1", 1.0, float(number), 3.0)], standing))
    print(number, flush=True)
"""


def written_until_killed(folder: Path, times: int) -> int:
    """How many states a writer says it has kept, killed in the midst of the next one."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(times)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout]
    return said[-1]


def test_a_state_is_there_whole_after_a_kill(tmp_path: Path):
    for times in (1, 4, 9):
        kept = written_until_killed(tmp_path, times)
        memory = Memory(tmp_path)
        assert memory.learnt() == LEARNT
        state = memory.state(LEARNT)
        assert state.arrays is not None
        found = {float(value) for array in state.arrays.values() for value in np.unique(array)}
        assert len(found) == 1
        assert found <= {float(kept), float(kept + 1)}
        assert {episode.end for episode in state.ended} == found
        assert {moment.timestamp() for moment in state.standing.stood.values()} == found


def test_what_a_killed_writer_left_is_cleared_away_later(tmp_path: Path):
    left, fresh = tmp_path / "learnt.npz.1-2.new", tmp_path / "learnt.npz.3-4.new"
    for file in (left, fresh):
        file.write_bytes(b"half")
    os.utime(left, (time() - 7200, time() - 7200))
    Memory(tmp_path).keep_learnt(LEARNT)
    assert not left.exists()
    assert fresh.exists()
