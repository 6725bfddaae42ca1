"""Whether a message asks how often the copilot's predictions were right, and of what.

Written rules, as the planner was never taught this question. They look for somebody who predicted
("you", "the forecasts") and for a judgement of it ("right", "off", "track record"); English as
spoken in a plant, and German.
"""

import re
from collections.abc import Iterator

from copilot.intent import asks_for_change

LONGEST = 300  # characters; what is longer is no such question

_PREDICTIONS = (
    r"(?:predict\w*|forecast\w*|prognos\w*|projections?|estimat\w+|"
    r"vorhersage\w*|vorhergesagt\w*|schätzung\w*|voraussage\w*|vorausgesagt\w*)"
)
_LIVES = (
    r"(?:remaining (?:useful )?li(?:fe|ves)|time to failure|rul|rest(?:lebens|nutzungs|lauf)\w+)"
)
_YOU = r"(?:you|your|yours|copilot|model|models|du|dein\w*|euer|eure\w*|ihr|ihre\w*|sie|modell\w*)"
_IT = r"(?:it|that|this|those|these|they|das|die|es|diese\w*)"
_RIGHT = (
    r"(?:right(?! (?:now|away|after|before|here|hand|side))|wrong|correct|incorrect|accurate|"
    r"accuracy|inaccurate|reliab\w+|unreliab\w+|rely|trust\w*|precise|precision|mistaken|"
    r"(?:spot|way) (?:on|off)|(?:far|be|been|was|were) off|hits|missed|held|"
    r"(?:come|came|turn(?:ed)?) (?:true|right|out)|within the interval|"
    r"richtig\w*|falsch\w*|recht|genau\w*|zuverlässig\w*|verlässlich\w*|daneben|vertrauen|"
    r"gestimmt|stimm\w+|zutreffend\w*|zugetroffen|eingetroffen|getroffen|traf\w*|trifft|treffen)"
)
_GOOD = r"(?:good|bad|well|badly|better|gut|schlecht)"
_RECORD = (
    r"(?:track ?records?|score ?cards?|hit (?:rate|ratio)s?|success rate|error rate|"
    r"treffer(?:quote|rate)\w*|erfolgsquote|fehlerquote)"
)
_ASKS = (
    r"(?:how|what|were|was|are|is|have|has|had|did|do|does|can|could|should|may|show|give|tell|"
    r"list|compare|whats|wie|was|waren|war|warst|sind|bist|hast|hattest|haben|hat|kann|können|"
    r"zeig\w*|lagst|lagt|lagen)"
)
_OTHER = re.compile(
    r"\b(?:alarm\w*|anomal\w*|abnormal\w*|cause\w*|inspection\w*|cameras?|defects?|rejects?|oee|"
    r"orders?|deliver\w*|suppliers?|manuals?|ursache\w*|störung\w*|lieferung\w*)\b"
)


def _all_of(*parts: str) -> re.Pattern[str]:
    return re.compile("^" + "".join(rf"(?=.*\b{part}\b)" for part in parts))


# Each line alone suffices: who predicted, and a judgement of it.
_ASKED = (
    _all_of(_ASKS, _PREDICTIONS, _RIGHT),
    _all_of(r"(?:how|wie)", _PREDICTIONS, _GOOD),
    _all_of(r"(?:how|wie)", _LIVES, r"(?:accura\w+|reliab\w+|precise|correct|genau|zuverlässig)"),
    _all_of(_RECORD, rf"(?:{_YOU}|{_PREDICTIONS}|{_LIVES})"),
    re.compile(rf"^\W*(?:(?:what|show|give|tell|wie|zeig)\b.*)?\b{_RECORD}\W*$"),
    _all_of(r"(?:your|past|earlier|previous|deine)", _PREDICTIONS, r"(?:happened|outcomes?|hold)"),
    re.compile(
        rf"\b(?:how (?:often|many times|many cases|frequently)|wie (?:oft|häufig))\b"
        rf".*\b{_YOU}\b.*\b{_RIGHT}\b"
    ),
    re.compile(
        r"\b(?:how (?:accurate|reliable|precise|trustworthy|right|wrong|far off)|"
        r"wie (?:genau|zuverlässig|verlässlich))\b.*\b(?:you|your|copilot|models?|du|dein\w*)\b"
    ),
    re.compile(
        rf"\b(?:were|are|warst|lagst|waren|lagen) {_YOU}\b(?: \w+){{0,3}} "
        r"(?:right|wrong|correct|mistaken|accurate|richtig|falsch|recht|daneben) "
        r"(?:\w+ ){0,2}(?:before|past|previous\w*|so far|until now|usually|ever|last|with|about)\b"
    ),
    re.compile(r"\blag(?:st|t|en) (?:du|sie|ihr)\b.*\b(?:richtig|falsch|daneben)\b"),
    re.compile(
        rf"\b(?:were|have|had|did|hast|hattest|warst|lagst) {_YOU} (?:ever |je |schon )"
        rf"(?:been |get it |got it )?(?:mal )?(?:right|wrong|correct|richtig|falsch|daneben)\b"
    ),
)
# Only just after a prediction was told: "and how often was that right?"
_ASKED_OF_IT = (
    re.compile(
        rf"\b(?:how (?:often|accurate|reliable|precise|sure)|wie (?:oft|genau|zuverlässig))\b"
        rf".*\b{_IT}\b.*\b(?:{_RIGHT}|usually|been|before|so far|sonst|bisher)\b"
    ),
    re.compile(rf"\b(?:how|wie) (?:accurate|reliable|zuverlässig|genau) (?:is|was|ist|war) {_IT}"),
    re.compile(rf"\b(?:can|could|should|kann) (?:i|we|man|ich) {_RIGHT} (?:on )?{_IT}"),
)
POINTS_BACK = re.compile(rf"\b(?:{_IT}|its|there|them|here|da|damit|dort)\b(?! machine\b| plant\b)")

_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+|\n")
_JOINS = re.compile(r"^(?:and|und)\b\s*", re.IGNORECASE)
_NEXT = re.compile(
    r"(?:\s*,)?\s*\b(?:and|und)\b\s*(?=(?:what|which|who|where|when|why|how|is|are|any|show|"
    r"list|do|does|was|wie|welche\w*|wo|wann|gibt|zeig\w*)\b)|\s*,\s*(?=(?:what|which|who|where|"
    r"when|why|how|show|list|welche\w*|wo|wann|zeig\w*)\b)",
    re.IGNORECASE,
)


def split_record(text: str, told: bool = False) -> tuple[list[str], str]:
    """The parts of a message that ask for the record of predictions, and the rest of it.

    `told` says that a prediction was just told, which "it" may mean.
    """
    if asks_for_change(text):
        return [], text
    asked: list[str] = []
    rest: list[str] = []
    for part in _parts(text):
        (asked if _asks(part, told) else rest).append(part)
    return asked, " ".join(_JOINS.sub("", part) for part in rest) if asked else text


def _parts(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        yield from (part.strip() for part in _NEXT.split(sentence) if part.strip())


def _asks(part: str, told: bool) -> bool:
    plain = " ".join(part.lower().replace("’", "'").split())
    if len(plain) > LONGEST or _OTHER.search(plain):
        return False
    patterns = (*_ASKED, *_ASKED_OF_IT) if told else _ASKED
    return any(pattern.search(plain) for pattern in patterns)
