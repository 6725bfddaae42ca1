"""Places where tests end the process as a power cut would, to see what is left behind.

`COPILOT_CRASH_AT=claimed` kills the process (SIGKILL) the first time it gets to that point;
`COPILOT_STOP_AT=claimed` stops it there (SIGSTOP) until it is told to go on. Nothing happens
without the variables.
"""

import os
import signal
from typing import Literal, get_args

CrashPoint = Literal[
    "before proposed",
    "after proposed",
    "before decided",
    "after decided",
    "before claimed",
    "claimed",
    "before sent",
    "sent",
    "before read back",
    "read back",
    "before finished",
    "finished",
]
CRASH_POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)


def reach(point: CrashPoint) -> None:
    """Go on, unless a test wants the process to die here."""
    if os.environ.get("COPILOT_CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("COPILOT_STOP_AT") == point:
        del os.environ["COPILOT_STOP_AT"]
        os.kill(os.getpid(), signal.SIGSTOP)
