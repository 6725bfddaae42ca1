"""Asking a question in words over REST."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from copilot.events import Outcome, Problem
from copilot.web.access import Reader, Served
from copilot.web.api.asking import begin, reply_to
from copilot.web.api.found import Found, Shape, show_found
from copilot.web.api.problems import ASKING, problems
from copilot.web.strict import StrictRoute

router = APIRouter(prefix="/api/v1", tags=["ask"], route_class=StrictRoute)


class Question(BaseModel):
    """A question; with the `conversation` of an earlier answer it may follow up on it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "Which alarms are standing?"}]}
    )

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    conversation: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None


class CandidateShape(Shape):
    """One thing that may have been meant, and how sure that is (0 to 1)."""

    key: str
    name: str
    confidence: float


class ProblemShape(Shape):
    """Why a call found nothing; `candidates` are what a name may have meant."""

    kind: str
    message: str
    candidates: tuple[CandidateShape, ...]


class OutcomeShape(Shape):
    """What one call came to: `found`, or the `problem`."""

    tool: str
    arguments: dict[str, Any]
    seconds: float
    found: Found | None
    problem: ProblemShape | None


class Reply(Shape):
    """The answer in words, built from the facts of its outcomes and from nothing else."""

    run: str
    conversation: str
    text: str
    outcomes: list[OutcomeShape]
    notices: tuple[str, ...]


@router.post("/ask", summary="Ask a question", responses=problems(*ASKING))
async def ask_question(
    question: Question, visitor: Reader, services: Served, request: Request
) -> Reply:
    """The answer to a question; a change cannot be asked for here."""
    conversation = question.conversation or await begin(request, visitor.actor)
    images = services.settings.images
    reply = await reply_to(request, visitor.actor, conversation, question.text)
    return Reply(
        run=reply.run,
        conversation=conversation,
        text=reply.answered.text,
        outcomes=[_show(outcome, images) for outcome in reply.answered.outcomes],
        notices=reply.notices,
    )


def _show(outcome: Outcome, images: Path) -> OutcomeShape:
    found = problem = None
    if isinstance(outcome.result, Problem):
        problem = ProblemShape.model_validate(outcome.result)
    else:
        found = show_found(outcome.result, images)
    return OutcomeShape(
        tool=outcome.call.tool,
        arguments=dict(outcome.call.arguments),
        seconds=round(outcome.seconds, 6),
        found=found,
        problem=problem,
    )
