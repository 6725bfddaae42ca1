"""Whether a planned change holds the very number and unit that the user said.

A model may misread a figure; a change is only passed on when its number stands in the message, or
follows from one there and one in the last answers ("5 less"). Otherwise the user is asked.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from copilot_tools.display import format_number
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.tool import Call

_NUMBER = re.compile(r"(?<![\w.,-])[-+]?\d(?![\d.,']*[eE][-+]?\d)[\d.,']*")
_SINGLE = re.compile(r"\b(a|an|one|another)\b|(?<![\d.,])1(?![\d.,])", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(by|more|less|warmer|hotter|colder|cooler|faster|slower|quicker|higher|lower)\b",
    re.IGNORECASE,
)
_TARGET = re.compile(r"\b(to|at|of|is|be)\s*$|=\s*$", re.IGNORECASE)
_OBSERVED = re.compile(
    r"\b(fell|dropped|rose|went|climbed|sank|jumped|drifted|decreased|increased|was|were|is|reads"
    r"|shows|showed)(\s+(down|up|back))?(\s+(to|at))?\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s*([a-z%°µ][\w%°/.]*)", re.IGNORECASE)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: number for number, word in enumerate(_ONES.split())}
_WORDS |= {word: 10 * number for number, word in enumerate(_TENS.split(), start=2)}
_WORDS |= {"couple": 2, "pair": 2, "dozen": 12, "hundred": 100, "thousand": 1000}
_UNITS = {
    "rpm": "rpm", "hz": "Hz", "bar": "bar", "barg": "bar", "mbar": "mbar", "psi": "psi",
    "kpa": "kPa", "mpa": "MPa", "%": "%", "percent": "%", "c": "degC", "°c": "degC",
    "degc": "degC", "celsius": "degC", "f": "degF", "°f": "degF", "fahrenheit": "degF", "k": "K",
    "nm": "N.m", "n.m": "N.m", "m/s": "m/s", "m3/h": "m3/h", "l/min": "l/min", "bpm": "bpm",
    "g": "g", "gram": "g", "grams": "g", "kg": "kg", "ml": "ml", "kw": "kW", "amps": "A",
}  # fmt: skip


def check_said(call: Call, text: str, mentions: Iterable[str], plant: Plant) -> None:
    """Raise Retry when the number of a change is not what the user said, or in another unit.

    `text` is all that makes up the request: after a question back, the answer and what was asked.
    """
    for name in ("value", "quantity"):
        wanted = call.arguments.get(name)
        if wanted is None:
            continue
        heard = list(spoken_numbers(text))
        if name == "quantity" and wanted == 1 and (not heard or _SINGLE.search(text)):
            continue
        if name == "quantity" and wanted == 1 and _fractions(text):
            raise Retry("How many do you mean? Only whole pieces can be had.")
        _check_number(float(wanted), heard, list(mentions))
    if "setpoint" in call.arguments:
        _check_wish(float(call.arguments["value"]), text)
        _check_unit(call, text, plant)


def _check_wish(wanted: float, text: str) -> None:
    """Raise Retry when the number was said as a difference, or as something that was seen."""
    before = [
        text[: match.start()]
        for match in _NUMBER.finditer(text)
        if wanted in set(_readings(match[0].rstrip(".,'")))
    ]
    if before and all(_OBSERVED.search(words) for words in before):
        raise Retry("I read that as something you saw, not as a change; please say what to set.")
    if before and _RELATIVE.search(text) and not any(_TARGET.search(words) for words in before):
        number = format_number(wanted)
        raise Retry(f"Do you mean by {number} or to {number}? Please say the value to set.")


def _fractions(text: str) -> bool:
    found = {number for readings in spoken_numbers(text) for number in readings}
    return bool(found) and all(number != int(number) for number in found)


def _check_number(wanted: float, heard: Sequence[frozenset[float]], mentions: list[str]) -> None:
    meant = next((readings for readings in heard if wanted in readings), None)
    if meant is not None and len(meant) > 1:
        choices = " or ".join(format_number(number) for number in sorted(meant))
        raise Retry(f"Which number do you mean: {choices}?")
    if meant is None and not _follows(wanted, heard, mentions):
        raise Retry("I am not sure which number you mean; please write it in digits.")


def _follows(wanted: float, heard: Sequence[frozenset[float]], mentions: list[str]) -> bool:
    """Whether a number seen in the last answers, changed by one that was said, gives `wanted`."""
    seen = [float(m) for mention in mentions for m in re.findall(r"-?\d+(?:\.\d+)?", mention)]
    return follows(wanted, seen, [number for readings in heard for number in readings])


def follows(wanted: float, seen: Iterable[float], changes: Iterable[float]) -> bool:
    """Whether a number that was seen, changed by one that was said, gives `wanted`."""
    return any(
        abs(result - wanted) < 1e-6
        for old, change in product(seen, changes)
        for result in (
            old + change,
            old - change,
            old * (1 + change / 100),
            old * (1 - change / 100),
        )
    )


def spoken_numbers(text: str) -> Iterator[frozenset[float]]:
    """The possible readings of every number in a message, in digits or in words."""
    for match in _NUMBER.finditer(text):
        yield frozenset(_readings(match[0].rstrip(".,'")))
    words = [_WORDS.get(word) for word in re.findall(r"[a-z]+", text.lower())]
    for first, second in zip(words, [*words[1:], None], strict=True):
        if first is not None:
            yield frozenset({float(first)})
            if second is not None:
                joined = first * second if second >= 12 and first < second else first + second
                yield frozenset({float(joined)})
    if "half a dozen" in text.lower():
        yield frozenset({6.0})


def _readings(token: str) -> Iterator[float]:
    """What a figure may mean: `2,875` is 2875 or 2.875, others have one reading."""
    plain = token.replace("'", "")
    if re.fullmatch(r"[-+]?\d{1,3}([.,]\d{3})+", plain):
        yield float(re.sub(r"[.,]", "", plain))
        if plain.count(",") == 1 or plain.count(".") == 1:
            yield float(plain.replace(",", "."))
        return
    try:
        yield float(plain.replace(",", ".", 1) if "." not in plain else plain.replace(",", ""))
    except ValueError:
        return


def _check_unit(call: Call, text: str, plant: Plant) -> None:
    """Refuse a value said in a unit that is not the setpoint's."""
    machine = plant.resolver.asset(str(call.arguments["asset"]))
    setpoint = plant.resolver.setpoint(machine, str(call.arguments["setpoint"]))
    for match in _NUMBER.finditer(text):
        after = _AFTER.match(text, match.end())
        unit = _UNITS.get(after[1].lower().rstrip(".")) if after else None
        if float(call.arguments["value"]) in set(_readings(match[0])) and unit not in (
            None,
            setpoint.unit,
        ):
            raise Retry(
                f"{machine.id} {setpoint.name} is set in {setpoint.unit}, not in {unit}; "
                f"please say the value in {setpoint.unit}."
            )
