"""One finding of `copilot doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the doctor; `mend` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
