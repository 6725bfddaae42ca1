"""The controller of a driven machine: what it was told, whether it may run, what tripped it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["running", "idle", "stopped", "fault"]


@dataclass(slots=True)
class Drive:
    """Start/stop logic of one machine; `trip` names what stopped it, empty while it is healthy.

    A machine that is `locked_out` is being worked on: it stands, and nothing can start it.
    """

    commanded: bool = True
    trip: str = ""
    running: bool = True
    exceeded: float = 0.0
    locked_out: bool = False

    @property
    def available(self) -> bool:
        """May it run when the process asks for it?"""
        return self.commanded and not self.trip

    @property
    def state(self) -> State:
        """The state as the terminals show it; idle means ready and waiting."""
        if self.trip:
            return "fault"
        if not self.commanded:
            return "stopped"
        return "running" if self.running else "idle"

    def start(self) -> bool:
        """Release the machine; one that is tripped, or locked out, refuses."""
        if self.trip or self.locked_out:
            return False
        self.commanded = True
        return True

    def stop(self) -> bool:
        """Take the machine out of service."""
        self.commanded = False
        self.running = False
        return True

    def lock_out(self, on: bool) -> None:
        """Lock the machine out, which stops it, or give it back, stopped."""
        self.locked_out = on
        if on:
            self.stop()

    def reset(self) -> bool:
        """Clear a trip; the machine stays stopped until it is started again."""
        if self.trip:
            self.commanded = False
        self.trip = ""
        self.exceeded = 0.0
        return True

    def guard(self, reason: str, delay: float, dt: float) -> None:
        """Trip with `reason` (empty = all is well) once it has lasted `delay` s."""
        if not reason:
            self.exceeded = 0.0
            return
        self.exceeded += dt
        if self.exceeded >= delay and not self.trip:
            self.trip = reason
            self.running = False
