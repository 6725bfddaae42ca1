"""What is written into a vision model's file about itself."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "copilot-vision-1"
METADATA = "copilot"
UNKNOWN = "unknown defect"

Share = Annotated[float, Field(ge=0, le=1)]
Distance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class HeldOut(BaseModel):
    """How the model did on pictures that training never saw."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pictures: int
    accuracy: Share
    recall: dict[str, Share]
    precision: dict[str, Share]
    confused: dict[str, dict[str, int]]
    reviewed: Share


class Reviewed(BaseModel):
    """Parts of the line that people decided on: how many were learnt from, how many held out.

    A part is held out for good, whenever it is trained on; `right` are those that the model has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    learnt: int
    held_out: int
    right: int


class Card(BaseModel):
    """The classes in the order of the network's answers, its limits, and how it was made.

    Below the probability `sure` a person looks; beyond `limit` (heat, without unit) a part is like
    no good one. `distances` are heats of good parts at 0, 10 .. 100 %, which drift is told by.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["copilot-vision-1"] = FORMAT
    name: Annotated[str, Field(min_length=1, max_length=30)]
    version: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    good: str
    sure: Share
    limit: Distance
    distances: Annotated[tuple[Distance, ...], Field(min_length=11, max_length=11)]
    data_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    pictures: dict[str, int]
    held_out: HeldOut
    reviewed: Reviewed | None = None

    @property
    def label(self) -> str:
        """The model as results name it: "bottle-eye 1f2e3d4c"."""
        return f"{self.name} {self.version}"
