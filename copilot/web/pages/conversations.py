"""The list of one's conversations, searching them, handing one over."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from copilot.conversations import LISTED
from copilot.web.access import Owner, Served
from copilot.web.handover.gather import gather
from copilot.web.handover.markdown import write_markdown
from copilot.web.pages.chat import found, runs_of
from copilot.web.rendering import render

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(max_length=200)]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/conversations")
async def list_conversations(
    request: Request, visitor: Owner, services: Served, q: Words = "", page: PageNumber = 1
) -> HTMLResponse:
    """One's own conversations, newest first, or those in which the words were said."""
    skip = (page - 1) * LISTED
    listed = await services.copilot.conversations.of(visitor.actor, q, skip, LISTED + 1)
    return render(
        request,
        "conversations.html",
        visitor,
        listed=listed[:LISTED],
        more=len(listed) > LISTED,
        page=page,
        asked=q,
    )


@router.get("/chat/{conversation}/handover.md")
async def hand_over_markdown(visitor: Owner, services: Served, conversation: str) -> Response:
    """A conversation as Markdown for whoever has the next shift."""
    with found():
        runs = await runs_of(services, visitor, conversation)
    text = write_markdown(await gather(services, visitor.actor, conversation, runs))
    return Response(text, 200, _saved_as(conversation, "md"), "text/markdown; charset=utf-8")


@router.get("/chat/{conversation}/handover.pdf")
async def hand_over_pdf(visitor: Owner, services: Served, conversation: str) -> Response:
    """The same as a PDF, for printing."""
    import asyncio

    from copilot.web.handover.pdf import draw_pdf

    with found():
        runs = await runs_of(services, visitor, conversation)
    handover = await gather(services, visitor.actor, conversation, runs)
    drawn = await asyncio.to_thread(draw_pdf, handover)
    return Response(drawn, 200, _saved_as(conversation, "pdf"), "application/pdf")


def _saved_as(conversation: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="handover-{conversation[:8]}.{kind}"'}
