"""Where each argument of a change came from, so that an approver sees what nobody has said."""

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence

from copilot.intent import requested
from copilot.llm.planner import PlannedTurn
from copilot.proposal import Provenance
from copilot.said import follows, spoken_numbers
from copilot_tools.changes import Change
from copilot_tools.facts import Value
from copilot_tools.tool import Call

LONG_WORD = 4  # shorter ones stand in any answer and tell nothing


def trace(
    call: Call,
    change: Change,
    text: str,
    history: Sequence[PlannedTurn],
    answers: Sequence[str] = (),
    choices: Container[str] = frozenset(),
) -> dict[str, Provenance]:
    """The origin of every argument of `change`, and of its reason.

    `call` holds them as the model wrote them, `text` is the user's message, `history` the turns
    before it and `answers` what they were answered. An answer may quote a manual or an alarm: what
    is worded like one, or a number of one, and was not said by the user, is retrieved text.
    `choices` names the arguments that can only be one of a few given words.
    """
    earlier = [turn.user for turn in history]
    said, ever = [text, *requested(text, earlier)], [text, *earlier]
    arguments = {name: value for name, value in change.arguments.items() if value is not None}
    if change.reason:
        arguments["reason"] = change.reason
    return {
        name: Provenance.CATALOGUE
        if _is_catalogue(name, value, call, change) and not _is_said(value, said)
        else _origin(value, said, ever, answers, change.old, name in choices)
        for name, value in arguments.items()
    }


def _is_catalogue(name: str, value: Value, call: Call, change: Change) -> bool:
    """Whether code has set the value, from the plant model or a record, instead of the model."""
    if name == "reason":
        return False
    if name not in call.arguments:
        return True
    target = change.target
    return value in (target.asset, target.key) or f"{target.asset}.{value}" == target.key


def _origin(
    value: Value,
    said: Sequence[str],
    ever: Sequence[str],
    answers: Sequence[str],
    old: Value,
    is_choice: bool,
) -> Provenance:
    """What was said for this very request counts as said; what was ever said, not as retrieved."""
    if _is_said(value, said):
        return Provenance.USER
    if is_choice:
        return Provenance.CATALOGUE
    if isinstance(value, str) and _is_retrieved(value, ever, answers):
        return Provenance.RETRIEVED
    if _is_number(value) and _is_said(value, answers) and not _needs_no_source(value, old, ever):
        return Provenance.RETRIEVED
    return Provenance.MODEL


def _is_said(value: Value, said: Sequence[str]) -> bool:
    """Whether the user said this: the number, or the very words in this order."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return any(value in numbers for words in said for numbers in spoken_numbers(words))
    return isinstance(value, str) and any(_stands_in(value, words) for words in said)


def _is_retrieved(value: str, said: Sequence[str], answers: Sequence[str]) -> bool:
    """Whether a text, or a word of it that tells something, stands in answers and was not said."""
    if any(_stands_in(value, answer) for answer in answers):
        return True
    new = {word for word in _tokens(value) if len(word) >= LONG_WORD} - set(_all_tokens(said))
    return not new.isdisjoint(_all_tokens(answers))


def _needs_no_source(value: Value, old: Value, said: Sequence[str]) -> bool:
    """Whether a number needs no source: it is "a bearing", or the present value changed by one
    that was said ("5 lower").
    """
    spoken = [number for words in said for numbers in spoken_numbers(words) for number in numbers]
    if value == 1 and not spoken:
        return True
    return _is_number(old) and follows(float(str(value)), [float(str(old))], spoken)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _stands_in(part: str, whole: str) -> bool:
    """Whether the words of `part` stand in `whole` one after the other."""
    inner = _tokens(part)
    return bool(inner) and f" {' '.join(inner)} " in f" {' '.join(_tokens(whole))} "


def _all_tokens(texts: Iterable[str]) -> list[str]:
    return [token for text in texts for token in _tokens(text)]


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
