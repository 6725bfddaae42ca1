"""Whether a message asks for a change, or only asks.

A question never proposes: who asks "what happens if I stop the pump?" must not find a stop
proposed. Written rules and no model, so that no document can turn one into the other. A change word
counts where it is an order ("stop P-1", "could you order two seals"), not inside a question, a
quotation or a "don't".
"""

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

from copilot.intent_words import (
    ADJECTIVES,
    CHANGES,
    CLAUSE_END,
    CLOSES,
    DELIBERATES,
    FILLERS,
    LOOKS,
    NEGATIONS,
    NO_SLIPS,
    ORDERS,
    POLITE,
    POSTPONES,
    QUESTIONS,
    QUOTATION,
    SENTENCE_END,
    STATES,
    THINGS,
    URGES,
    VALUE,
)

INHERITED = 2

_PLEASE = re.compile(r"\b(please|pls|plz)\b")

_LONG = tuple(sorted(word for word in CHANGES if len(word) > 4))
_SHORT = tuple(sorted(word for word in CHANGES if len(word) == 4))


def asks_for_change(text: str, earlier: Sequence[str] = ()) -> bool:
    """Whether a message asks for something to be changed; in doubt it does not."""
    return bool(requested(text, earlier))


def requested(text: str, earlier: Sequence[str] = ()) -> tuple[str, ...]:
    """The messages that make up the request, this one first; none when it is no request.

    `earlier` are the user's own words before it, newest last: a bare answer ("filler 2", "yes")
    belongs to what was asked before, for as long as two messages.
    """
    said: list[str] = []
    for message in (text, *list(reversed(earlier))[:INHERITED]):
        said.append(message)
        mood = _mood(message)
        if mood is not None:
            return tuple(said) if mood else ()
    return ()


def _mood(text: str) -> bool | None:
    """True for a request, False for a question, None for words that are neither by themselves."""
    plain = re.sub(r"[ \t]+", " ", QUOTATION.sub(" ", text.lower().replace("’", "'"))).strip()
    asked = bool(CLOSES.match(plain))
    for sentence in SENTENCE_END.split(plain):
        for clause, is_question in _clauses(sentence):
            if not is_question and _orders(_strip(clause)):
                return True
            asked = asked or is_question or bool(LOOKS.match(clause))
    return False if asked else None


def _clauses(sentence: str) -> Iterator[tuple[str, bool]]:
    """The parts of a sentence, and whether each is a question or still part of one."""
    parts = [part for part in map(_strip, CLAUSE_END.split(sentence)) if part]
    polite = [POLITE.match(part) for part in parts]
    opened = [
        bool(QUESTIONS.match(part)) and not manners
        for part, manners in zip(parts, polite, strict=True)
    ]
    plain_question = (
        sentence.rstrip().endswith("?") and not any(opened) and not _PLEASE.search(sentence)
    )
    deliberate = False
    for position, (part, manners, opens) in enumerate(zip(parts, polite, opened, strict=True)):
        if manners:
            deliberate = False
            yield part[manners.end() :].strip(), False
            continue
        deliberate = deliberate or (opens and bool(DELIBERATES.search(part)))
        yield part, opens or deliberate or (plain_question and position == len(parts) - 1)


def _strip(part: str) -> str:
    """A clause without punctuation and the words people begin with."""
    part = part.strip(" \t.!?;,'*-")
    while match := FILLERS.match(part):
        part = part[match.end() :]
    return part


def _orders(clause: str) -> bool:
    """Whether a clause that is no question wants something done."""
    rest = NEGATIONS.sub("~", clause)
    if rest.startswith("~") or POSTPONES.search(rest) or LOOKS.match(rest):
        return False
    if _holds_change(rest) or ORDERS.search(rest):
        return True
    return bool(VALUE.search(rest)) and not STATES.search(rest)


def _holds_change(clause: str) -> bool:
    """Whether a change verb stands where an order has it: first, last, or urged."""
    words = [*re.findall(r"[\w'~-]+", clause), ""]
    found = [
        position
        for position, verb in enumerate(map(_change, words))
        if verb and not (verb in ADJECTIVES and words[position + 1] in THINGS)
    ]
    if not found:
        return False
    return found[0] == 0 or found[-1] == len(words) - 2 or bool(URGES.search(clause))


def _change(word: str) -> str:
    """The change verb a word is or, for a slip of the finger, is meant to be."""
    if word in CHANGES:
        return word
    if word in NO_SLIPS or word.endswith(("s", "ed", "ing")):
        return ""
    if len(word) == 4:
        return next((v for v in _SHORT if v[0] == word[0] and sorted(v) == sorted(word)), "")
    return next((v for v in _LONG if OSA.distance(word, v, score_cutoff=1) <= 1), "")
