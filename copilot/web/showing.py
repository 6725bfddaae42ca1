"""Events of a run as pages show them: pieces of HTML, the same whether told live or read again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem, Queued
from copilot.runs.store import Run
from copilot.web.rendering import fill
from copilot.web.services import Services
from copilot_tools.catalogue import ALL_TOOLS
from copilot_tools.display import format_value
from copilot_tools.errors import Candidate, Retry
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.site.model import Limits, Site
from copilot_tools.tool import Call


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of a plan in words: what is looked up, and of what."""

    position: int
    tool: str
    purpose: str
    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may have been meant, and the question that asks for it."""

    label: str
    text: str
    href: str


@dataclass(slots=True)
class ShownRun:
    """A run as a page shows it: what its events so far came to, each piece in its place."""

    run: Run
    seq: int = 0
    queue: str = ""
    steps: dict[int, str] = field(default_factory=dict)
    answer: str = ""
    cards: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    end: str = ""

    @property
    def ordered(self) -> list[str]:
        """The cards in the order of the calls."""
        return [card for _, card in sorted(self.cards.items())]


def show_event(
    services: Services, language: str, run: Run, seq: int, event: Event
) -> dict[str, Any]:
    """An event as JSON for a page: `kind`, `run`, `seq`, and `html` for its place.

    `planned` has its `steps` one by one, `outcome` its `position`, its `step` and perhaps no
    `html`; what is to be read out comes as `text`.
    """
    shown = _Showing(services.copilot.plant, services.settings.images, language, run)
    return {"run": run.id, "seq": seq, **shown.event(event)}


def show_run(
    services: Services, language: str, run: Run, events: Iterable[tuple[int, Event]]
) -> ShownRun:
    """A run with all that happened in it so far."""
    shown = ShownRun(run)
    for seq, event in events:
        _put(shown, show_event(services, language, run, seq, event))
    return shown


def call_words(site: Site, call: Call) -> str:
    """The arguments of a call for people, machines and lines by their names."""
    return " · ".join(_word(site, name, value) for name, value in call.arguments.items())


def paragraphs(answered: Answered) -> list[str]:
    """An answer in paragraphs; passages of manuals and problems are left to the cards below it."""
    if not answered.outcomes:
        return answered.text.split("\n")
    results = (outcome.result for outcome in answered.outcomes)
    return [result.summary for result in results if isinstance(result, Findings)]


@dataclass(frozen=True, slots=True)
class _Showing:
    plant: Plant
    images: Path
    language: str
    run: Run

    def event(self, event: Event) -> dict[str, Any]:
        match event:
            case Queued(ahead=ahead):
                return {"kind": "queued", "html": self._fill("queued", ahead=ahead)}
            case Planned(calls=calls):
                return self._planned(calls)
            case Outcome():
                return self._outcome(event)
            case Answered():
                return {
                    "kind": "answered",
                    "text": event.text,
                    "html": self._fill("answered", paragraphs=paragraphs(event)),
                }
            case Noticed(message=message):
                return {
                    "kind": "noticed",
                    "text": message,
                    "html": self._fill("noticed", message=message),
                }
            case Ended(total_s=seconds):
                return {"kind": "ended", "html": self._fill("ended", seconds=seconds)}

    def _planned(self, calls: Sequence[Call]) -> dict[str, Any]:
        planned = [self._call(position, call) for position, call in enumerate(calls)]
        steps = [self._fill("step_line", planned=call, outcome=None) for call in planned]
        return {"kind": "planned", "html": "".join(steps), "steps": steps}

    def _outcome(self, outcome: Outcome) -> dict[str, Any]:
        planned, result = self._call(outcome.position, outcome.call), outcome.result
        found = result if isinstance(result, Findings) else None
        problem = result if isinstance(result, Problem) else None
        ticked = {"found": found is not None, "seconds": outcome.seconds}
        html = ""
        if problem or _worth_a_card(found):
            html = self._fill(
                "outcome",
                planned=planned,
                found=found,
                problem=problem,
                offers=self._offers(outcome.call, problem.candidates) if problem else [],
                now=self.plant.now(),
                zone=self.plant.site.time_zone,
                images=self.images,
                limits=self._limits(found),
            )
        return {
            "kind": "outcome",
            "position": outcome.position,
            "step": self._fill("step_line", planned=planned, outcome=ticked),
            "html": html,
        }

    def _call(self, position: int, call: Call) -> PlannedCall:
        try:
            purpose = ALL_TOOLS[call.tool].purpose
        except Retry:
            purpose = call.tool
        return PlannedCall(position, call.tool, purpose, call_words(self.plant.site, call))

    def _offers(self, call: Call, candidates: Sequence[Candidate]) -> list[Offer]:
        names = [candidate.name for candidate in candidates]
        offers = []
        for candidate in candidates:
            known = candidate.name and names.count(candidate.name) == 1
            text = _asking_for(self.run.text, call, candidate.name if known else candidate.key)
            label = candidate.name or candidate.key
            if candidate.key and candidate.key != label:
                label = f"{label} ({candidate.key})"
            href = f"/chat/{self.run.conversation}?{urlencode({'ask': text})}"
            offers.append(Offer(label, text, href))
        return offers

    def _limits(self, found: Findings | None) -> dict[tuple[str, str], Limits]:
        subjects = {series.subject for series in found.series} if found else set()
        assets = (self.plant.site.assets.get(subject) for subject in subjects)
        return {(s.asset, s.name): s.limits for asset in assets if asset for s in asset.signals}

    def _fill(self, card: str, /, **content: Any) -> str:
        return str(fill(self.language, f"cards/{card}.html", **content))


def _put(shown: ShownRun, piece: dict[str, Any]) -> None:
    shown.seq, html = piece["seq"], piece["html"]
    match piece["kind"]:
        case "queued":
            shown.queue = html
        case "planned":
            shown.queue, shown.steps = "", dict(enumerate(piece["steps"]))
        case "outcome":
            shown.cards[piece["position"]] = html
            shown.steps[piece["position"]] = piece["step"]
        case "answered":
            shown.queue, shown.answer = "", html
        case "noticed":
            shown.notices.append(html)
        case "ended":
            shown.queue, shown.end = "", html


def _worth_a_card(found: Findings | None) -> bool:
    """Whether there is something to look at beside the words of the answer."""
    return found is not None and any(
        (found.facts, found.series, found.tables, found.pictures, found.quotes, found.notices)
    )


def _word(site: Site, name: str, value: object) -> str:
    if isinstance(value, bool):
        return name.replace("_", " ") if value else f"not {name.replace('_', ' ')}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, int | float):
        return format_value(value)
    text = str(value)
    named = site.assets.get(text) or site.lines.get(text) or site.areas.get(text)
    return named.name if named and named.name != text else text


def _asking_for(text: str, call: Call, name: str) -> str:
    """The question again, with the name that was meant in place of the one that was not clear."""
    said = [value for value in call.arguments.values() if isinstance(value, str)]
    for unclear in sorted(said, key=len, reverse=True):
        place = text.lower().find(unclear.lower())
        if place >= 0:
            return f"{text[:place]}{name}{text[place + len(unclear) :]}"
    return f"{text} ({name})"
