"""For processes that others start: ending with the one that did."""

import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """End this process (SIGTERM) when its standard input closes, as it does with the parent."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
