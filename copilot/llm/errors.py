"""Why a model gave no answer; each is one clear line for the user."""

from copilot_tools.errors import Unavailable

SOURCE = "the language model"


class ModelMissing(Unavailable):
    """The model's files are not there, not whole or not the ones we know."""

    def __init__(self, why: str) -> None:
        super().__init__(SOURCE, why)


class ModelFailed(Unavailable):
    """The model is there but could not be run."""

    def __init__(self, why: str) -> None:
        super().__init__(SOURCE, why)


class Busy(Unavailable):
    """Too many questions wait already."""

    def __init__(self, waiting: int) -> None:
        super().__init__(SOURCE, f"{waiting} questions are waiting already, please try again")


class TimedOut(Unavailable):
    """The time a question may take, waiting included, is over."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(SOURCE, f"no plan within {limit_s:g} s, please try again")
