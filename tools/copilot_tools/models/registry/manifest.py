"""What is written down about a version of a model, and about which version is in use."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from copilot_tools.errors import Failed

FORMAT = 1
_REMEMBERED = 50

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Version = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class Unusable(Failed):
    """A model cannot be used; the message says in one line which, why and how to mend it."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Draft(_Record):
    """What whoever trained a model knows of it.

    `features` are what it must be given, `metrics` what its back-test measured, `conformal` the
    rows (prediction, low, high) of its intervals, `until` the time of its newest training data.
    """

    created: AwareDatetime
    created_by: str
    data_sha256: Sha256
    features: dict[str, JsonValue] = {}
    libraries: dict[str, str] = {}
    metrics: dict[str, float | None] = {}
    conformal: tuple[tuple[float, float, float], ...] = ()
    card: str = ""
    revision: str | None = None
    until: AwareDatetime | None = None


class Manifest(Draft):
    """A version of a model: the file that holds it and everything known of it."""

    format: int = FORMAT
    kind: Name
    scope: Name
    version: Version
    file: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")]
    sha256: Sha256

    @property
    def name(self) -> str:
        """How people call this version: "remaining-life pump/bearing v3"."""
        return f"{self.kind} {self.scope} v{self.version}"


class Step(_Record):
    """A change of the version in use: when, from which to which, by whom and why."""

    at: AwareDatetime
    current: Version | None
    by: str
    reason: str = ""


class Pointer(_Record):
    """Which version is in use, which was before it, and which only runs along to be compared."""

    format: int = FORMAT
    current: Version | None = None
    previous: Version | None = None
    shadow: Version | None = None
    steps: tuple[Step, ...] = ()

    def moved(self, version: int | None, at: datetime, by: str, reason: str) -> "Pointer":
        """The pointer after `version` came into use; the one before is kept for a rollback."""
        step = Step(at=at, current=version, by=by, reason=reason)
        return Pointer(
            current=version,
            previous=self.current,
            shadow=None if self.shadow == version else self.shadow,
            steps=(*self.steps, step)[-_REMEMBERED:],
        )

    def shadowed(self, version: int | None) -> "Pointer":
        """The pointer with another version (or none) running along."""
        return self.model_copy(update={"shadow": version})
