"""Does a machine behave abnormally, since when, and which of its signals show it."""

from collections.abc import Iterator

from copilot_tools.display import format_time, format_value
from copilot_tools.examination import Deviation, Examination, examine
from copilot_tools.facts import Fact, Findings, Source, Value
from copilot_tools.plant import Plant
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import parse_window

SHOWN = 4
CLEAR_SIGMAS = 3.0
NAMED_SHARE = 0.08


@tool(risk=Risk.READ, purpose="abnormal behaviour, since when, which sensors", timeout_s=10.0)
async def detect_anomalies(plant: Plant, asset: Text, window: Window | None = None) -> Findings:
    """Whether the machine is unlike itself, judged by its own history at the same operation."""
    machine = plant.resolver.asset(asset)
    period = parse_window(window or "24h", plant.site, plant.now())
    seen = await examine(plant, machine, period)
    telling = _telling(seen)
    return Findings(
        summary=_summary(seen, telling, plant),
        facts=tuple(_facts(seen, telling)),
        mentions=(f"{machine.id} {machine.name}", *(d.signal.name for d in telling)),
        notices=tuple(_notices(seen)),
    )


def _telling(seen: Examination) -> list[Deviation]:
    """The signals that make the spell abnormal; none when there is no such spell."""
    if seen.verdict != "abnormal":
        return []
    chosen = [
        d for d in seen.deviations if d.share >= NAMED_SHARE and abs(d.sigmas) >= CLEAR_SIGMAS
    ]
    return (chosen or list(seen.deviations[:1]))[:SHOWN]


def _summary(seen: Examination, telling: list[Deviation], plant: Plant) -> str:
    name = f"{seen.asset.id} {seen.asset.name}"
    when = seen.period.label
    match seen.verdict:
        case "not enough data":
            return f"{name}: there is not enough history to judge its behaviour, {when}."
        case "not running":
            return f"{name} did not run long enough to be judged, {when}."
        case "unknown operating point":
            return f"{name} ran outside the range of its known history, {when}: I cannot judge it."
        case "normal":
            return f"{name} behaves as usual, {when}."
    zone = plant.site.time_zone
    since = f"since {format_time(seen.begin, zone)}" if seen.begin else "in this time"
    until = "" if seen.ongoing or not seen.end else f" until {format_time(seen.end, zone)}"
    signs = "; ".join(_words(deviation) for deviation in telling)
    return f"{name} behaves abnormally {since}{until}: {signs}."


def _words(deviation: Deviation) -> str:
    unit = deviation.signal.unit
    way = "above" if deviation.shift > 0 else "below"
    shift = format_value(abs(deviation.shift), unit)
    return f"{deviation.signal.name} {format_value(deviation.level, unit)}, {shift} {way} usual"


def _facts(seen: Examination, telling: list[Deviation]) -> Iterator[Fact]:
    source = Source("model", "behaviour learnt from own history")

    def fact(name: str, value: Value, unit: str = "", note: str = "") -> Fact:
        return Fact(seen.asset.id, name, value, source, seen.newest, unit, note=note)

    yield fact("verdict", seen.verdict, note=seen.period.label)
    yield fact("period", seen.period.label)
    if seen.reference_days:
        yield fact("running time learnt from", round(seen.reference_days, 1), "days")
    if seen.verdict in ("normal", "abnormal"):
        yield fact("score", round(seen.score, 2), note="1 is the limit of usual behaviour")
    if seen.begin is not None:
        yield fact("abnormal since", seen.begin)
    if seen.end is not None:
        yield fact("abnormal until", seen.end)
    for deviation in telling:
        signal = deviation.signal
        yield fact(signal.name, deviation.level, signal.unit)
        yield fact(f"{signal.name}, off usual by", abs(deviation.shift), signal.unit)


def _notices(seen: Examination) -> Iterator[str]:
    yield from seen.notices
    if seen.left_out:
        yield f"Without enough good values, not judged: {', '.join(seen.left_out)}."
