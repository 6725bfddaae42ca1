"""Which conversation a list of chat messages goes on with; clients of that form send it all again.

An answer given here is found again by its whole thread, so that a follow-up knows what was asked
and found. Any other thread is planned anew from its last questions: only words go in, no answers.
"""

from collections import OrderedDict
from collections.abc import Sequence

from fastapi import Request

from copilot.actor import Actor
from copilot.canonical import digest, write_canonical
from copilot.llm.planner import PlannedTurn
from copilot.message import clean_message
from copilot.mounted import without_changes
from copilot.web.access import services_of
from copilot.web.api.asking import begin, busy
from copilot.web.services import Services
from copilot_tools.catalogue import ALL_TOOLS
from copilot_tools.errors import ToolError

REMEMBERED = 1000  # threads
REPLAYED = 2  # questions; the planner looks at few

Said = tuple[str, str]  # role and text


class Threads:
    """The conversation behind each thread answered lately; a thread belongs to one account."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def take(self, owner: str, said: Sequence[Said]) -> str | None:
        """The conversation that goes on after these messages; it can be taken once."""
        return self._known.pop(_key(owner, said), None)

    def keep(self, owner: str, said: Sequence[Said], conversation: str) -> None:
        """Remember where these messages were said; the oldest are forgotten."""
        self._known[_key(owner, said)] = conversation
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def threads_of(request: Request) -> Threads:
    """The threads of the application that a request came to."""
    state = request.app.state
    if not hasattr(state, "threads"):
        state.threads = Threads()
    threads: Threads = state.threads
    return threads


async def conversation_for(
    request: Request, actor: Actor, owner: str, earlier: Sequence[Said]
) -> str:
    """The conversation in which a message after these `earlier` ones is asked."""
    known = threads_of(request).take(owner, earlier) if earlier else None
    if known is not None:
        return known
    conversation = await begin(request, actor)
    with busy(request).one(actor.name):
        for text in [text for role, text in earlier if role == "user"][-REPLAYED:]:
            await _replay(services_of(request), conversation, text)
    return conversation


async def _replay(services: Services, conversation: str, text: str) -> None:
    conversations, planner = services.copilot.conversations, services.copilot.planner
    try:
        message = clean_message(text)
        history = await conversations.history(conversation)
        calls = await planner.plan(message, history, without_changes(ALL_TOOLS))
    except ToolError:
        return  # It could not be planned then either.
    await conversations.record(conversation, PlannedTurn(message, calls), "")


def _key(owner: str, said: Sequence[Said]) -> str:
    messages = [[role, " ".join(text.split())] for role, text in said if role != "system"]
    return digest(write_canonical({"owner": owner, "messages": messages}))
