"""A planner that answers by written rules the one question that its model was never taught.

"How often were you right about the bearing of K-7?" becomes a call of `score_predictions`; all the
rest of a message is planned by the model, which never hears of that tool.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from copilot.intent_record import POINTS_BACK, split_record
from copilot.llm.planner import OnQueue, PlannedTurn, Planner
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Retry
from copilot_tools.rul import predict_rul
from copilot_tools.site.model import Asset
from copilot_tools.site.resolve import Resolver
from copilot_tools.tool import Call, Registry
from copilot_tools.track_record import score_predictions

MOST_MACHINES = 3

_KNOWN = frozenset(tool.name for tool in CATALOGUE)
_PREDICTING = frozenset((predict_rul.name, score_predictions.name))
# What stands between the names in such a question; names are what is left.
_BETWEEN = re.compile(
    r"[?!,;:()\"]|\.(?=\s|$)|'s\b|\b(?:the|and|or|und|oder|how|often|many|times|cases|frequently|"
    r"good|bad|well|far|were|was|are|is|have|has|had|been|did|do|does|can|could|should|may|be|get|"
    r"got|it|you|your|yours|i|we|one|my|our|us|me|copilot|right|wrong|correct|incorrect|accurate|"
    r"accuracy|reliab\w+|trust\w*|rely|precise|off|true|come|came|turn(?:ed)?|h[eo]ld|out|in|on|"
    r"past|so|until|up|now|before|previous\w*|earlier|usually|usual|ever|last|lately|recently|time|"
    r"really|actually|normally|generally?|overall|all|far|today|yesterday|days?|weeks?|months?|"
    r"years?|with|about|for|of|from|to|at|what|which|happened|outcomes?|reality|"
    r"remaining|useful|life|lives|lifetime|rul|failures?|wear|machines?|components?|everything|"
    r"plant|predict\w*|forecast\w*|prognos\w*|estimat\w*|projections?|models?|track|records?|"
    r"score|cards?|scorecards?|hit|rate|show|give|tell|compare|that|this|these|those|they|them|"
    r"there|its|wie|oft|häufig|gut|genau|zuverlässig|lag(?:st|t|en)?|du|sie|ihr|ihre?\w*|dein\w*|"
    r"richtig\w*|falsch\w*|recht|daneben|hast|hattest|haben|war(?:st|en|t)?|sind|bist|ist|bisher|"
    r"vorhersage\w*|schätzung\w*|restl\w+|allgemeinen|bei|beim|mit|für|von|vom|zu|zum|zur|der|die|"
    r"das|den|dem|des|im|am)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:\b(?:for|of|on|about|with|at|für|von|vom|bei|beim|zu|zum|zur)\s+(?:(?:the|der|den|dem)\s+)?"
    r"|'s\s+)$",
    re.IGNORECASE,
)


class RuledPlanner:
    """Plans as its `planner` does, but for questions on the record of predictions."""

    def __init__(self, planner: Planner, resolver: Resolver) -> None:
        self._planner = planner
        self._resolver = resolver

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: OnQueue | None = None,
    ) -> tuple[Call, ...]:
        """See Planner."""
        told = [c for c in history[-1].calls if c.tool in _PREDICTING] if history else []
        asked, rest = split_record(text, bool(told))
        calls = [call for part in asked for call in self._record(part, told)]
        if any(letter.isalnum() for letter in rest):
            known = [_known_turn(turn) for turn in history]
            calls += await self._planner.plan(rest, known, _known_tools(tools), on_queue)
        return tuple(call for i, call in enumerate(calls) if call not in calls[:i])

    async def warm(self) -> None:
        """Get the model ready."""
        await self._planner.warm()

    async def close(self) -> None:
        """Release the model."""
        await self._planner.close()

    def _record(self, part: str, told: Sequence[Call]) -> Iterator[Call]:
        """The calls for one question: of what it names, of what it points back to, or of all."""
        named = list(find_names(part, self._resolver))
        if not named and POINTS_BACK.search(part.lower()):
            named = [dict(call.arguments) for call in told]
        for arguments in named or [{}]:
            yield score_predictions.check(arguments)


def find_names(text: str, resolver: Resolver) -> Iterator[dict[str, str]]:
    """The machines that a question on the record names, each with the component named with it.

    A name that nothing is called is given as a machine's, so that it is said to be unknown.
    """
    named = [part for chunk in _chunks(text, resolver) for part in _halves(chunk, resolver)]
    machines = [name for name in named if resolver.assets(name)]
    others = [name for name in named if name not in machines]
    known = [asset for name in machines for asset in resolver.assets(name)]
    part = _component(others, known or resolver.every(), resolver)
    machines += [name for name in others if name != part]
    for machine in machines[:MOST_MACHINES]:
        yield {"asset": machine} | ({"component": part} if part else {})
    if part and not machines:
        yield {"component": part}


def _chunks(text: str, resolver: Resolver) -> Iterator[str]:
    """What stands between the words of the question, where it is a name for sure.

    It is one where a preposition leads to it, where it holds a digit, or where it is known exactly.
    """
    begin = 0
    for end, following in [*(m.span() for m in _BETWEEN.finditer(text)), (len(text), 0)]:
        chunk, before = text[begin:end].strip(" \t-"), text[:begin].rstrip() + " "
        if chunk and (_ABOUT.search(before) or re.search(r"\d", chunk) or resolver.is_named(chunk)):
            yield chunk
        begin = following


def _halves(chunk: str, resolver: Resolver) -> Iterable[str]:
    """A name as it is, or as machine and component where only the two of it are known."""
    if resolver.assets(chunk):
        return (chunk,)
    words = chunk.split()
    for cut in range(1, len(words)):
        halves = " ".join(words[:cut]), " ".join(words[cut:])
        for machine, part in (halves, halves[::-1]):
            if _component([part], resolver.assets(machine), resolver):
                return machine, part
    return (chunk,)


def _component(words: Iterable[str], machines: Sequence[Asset], resolver: Resolver) -> str | None:
    """The first of some words that is a component of one of the machines."""
    for word in words:
        for machine in machines:
            try:
                if resolver.components(machine, word):
                    return word
            except Retry:
                continue
    return None


def _known_turn(turn: PlannedTurn) -> PlannedTurn:
    """An earlier turn with tools that the model knows; remaining life tells the record as well."""
    calls = []
    for call in turn.calls:
        if call.tool in _KNOWN:
            calls.append(call)
        elif "asset" in call.arguments:
            calls.append(Call(predict_rul.name, call.arguments))
    return replace(turn, calls=tuple(calls))


@lru_cache(maxsize=8)
def _known_tools(tools: Registry) -> Registry:
    """The tools that the model knows; one registry each, as grammars are kept by it."""
    return Registry(tuple(tool for tool in tools if tool.name in _KNOWN))
