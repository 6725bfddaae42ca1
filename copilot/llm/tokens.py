"""From messages to token ids: only the template's own words can become control tokens.

Every content (the user's words, names from the plant) is tokenised apart from the template, with
control tokens switched off: `<|im_end|>` typed by somebody is eight harmless letters and signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from langchain_core.messages import BaseMessage

from copilot_tools.errors import Retry

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class Tokenize(Protocol):
    """Text to token ids; control tokens only where `special`."""

    def __call__(self, text: str, *, special: bool = False) -> list[int]:
        """The ids, no beginning-of-text token among them."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids; the first `stable` of them are the same in every conversation."""

    tokens: tuple[int, ...]
    stable: int


def encode(messages: Sequence[BaseMessage], tokenize: Tokenize, room: int) -> Prompt:
    """The prompt of a conversation in the ChatML form, ready for the assistant's answer.

    When it is longer than `room`, the oldest turns are left out, never the system message; raises
    Retry when the newest message alone is too long.
    """
    system = [m for m in messages[:1] if m.type == "system"]
    stable = [token for message in system for token in _message(message, tokenize)]
    turns = [[t for m in turn for t in _message(m, tokenize)] for turn in _turns(messages)]
    start = tokenize("<|im_start|>assistant\n", special=True)
    left = room - len(stable) - len(start)
    newest: list[list[int]] = []
    for turn in reversed(turns):
        left -= len(turn)
        if left < 0:
            break
        newest.insert(0, turn)
    if turns and not newest:
        raise Retry("That message is too long; please ask in fewer words.")
    return Prompt((*stable, *(token for turn in newest for token in turn), *start), len(stable))


def _turns(messages: Sequence[BaseMessage]) -> list[list[BaseMessage]]:
    """The messages after the system one, each turn beginning with what the user said."""
    turns: list[list[BaseMessage]] = []
    for message in messages:
        if message.type == "system":
            continue
        if message.type == "human" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _message(message: BaseMessage, tokenize: Tokenize) -> list[int]:
    head = tokenize(f"<|im_start|>{_ROLES[message.type]}\n", special=True)
    return [*head, *tokenize(str(message.text)), *tokenize("<|im_end|>\n", special=True)]
