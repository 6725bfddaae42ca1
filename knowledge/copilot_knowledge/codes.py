"""What fault codes and part numbers look like, in manuals and in questions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

# E47, F-1203, AB-12C; SEAL-XY50, 6309-2RS; 230.1 only as the key of a table row.
_TAG = re.compile(r"\b[A-Z]{1,5}-?\d{1,6}[A-Z]?\b")
_PART_NUMBER = re.compile(r"\b(?=[A-Z0-9-]{0,40}\d)[A-Z0-9]{2,20}(?:-[A-Z0-9]{1,20}){1,5}\b")
_KEY = re.compile(r"#?[A-Z0-9]{1,12}+(?:[-./ ]?[A-Z0-9]{1,12}+){0,4}+")
_KEY_HEAD = re.compile(
    r"code|fault|error|alarm|message|number|\bno\b|part|position|item|article|order|display",
    re.IGNORECASE,
)
# Sizes, standards and grades look like codes and are words like any other.
_DESIGNATION = re.compile(
    r"(?:M|DN|PN|NPS|IP|IE|G|R|VG|SAE|CLP|HLP|HVLP|NLGI|NSF|H|PT|L|ISO|EN|DIN|IEC|UN|RS|CO|O|N|PH"
    r"|CAT|CLASS|GRADE|TYPE|LINE|PUMP|STEP|TABLE|PAGE|DAY|SHIFT|LEVEL)-?\d{1,5}[A-Z]?"
)

_ASKED_NUMBER = re.compile(
    r"(?:\b(?:fault|error|alarm|code|message|warning)s?\s+(?:(?:code|number|no\.?)\s+)?|#)"
    r"(\d{2,6})\b(?!\s*(?:%|°|min|h\b|hours?|s\b|sec|bar|mm|rpm|days?|times|degrees))",
    re.IGNORECASE,
)
_ASKED_PART = re.compile(
    r"(?<![\w-])(?=[a-z0-9-]{0,40}\d)[a-z0-9]{2,20}(?:-[a-z0-9]{1,20}){1,5}(?![\w-])",
    re.IGNORECASE,
)
_ASKED_TAG = re.compile(r"(?<![\w-])[a-z]{1,5}-?\d{1,6}[a-z]?(?![\w-])", re.IGNORECASE)
# Words that are codes only where a manual holds just that code; "a 3 mm hole" is none.
_ASKED_SPACED = re.compile(
    r"(?<![\w-])(?-i:(?!a ))[a-z]{1,5} \d{1,6}[a-z]?(?![\w-])", re.IGNORECASE
)
_ASKED_LETTERS = re.compile(r"(?<![\w-])[a-z]{2,}(?:-[a-z]{2,})+(?![\w-])", re.IGNORECASE)
_ASKED_DIGITS = re.compile(r"(?<![\w.-])\d{4,6}(?![\w-])")
# "seal-xy50" and "CPL-42" are codes, "24-hour" is not.
_MIXED = re.compile(r"[A-Z]|[a-z]\d|\d[a-z](?![a-z])")


@dataclass(frozen=True, slots=True)
class AskedCode:
    """A code-like word of a question.

    `certain`: it can be nothing else; `number_only`: the letters of the code were left out.
    """

    spelled: str
    certain: bool = False
    number_only: bool = False

    @property
    def code(self) -> str:
        """Its one spelling."""
        return normalise(self.spelled)


def normalise(code: str) -> str:
    """One spelling for a code: "f-1203", "F 1203" and "F1203" are the same; zeros stay."""
    return re.sub(r"[-\s#]", "", code).upper()


def bare(code: str) -> str:
    """A code without the letters in front of its number: "F1203" is 1203 to who is in a hurry."""
    return code.lstrip(ascii_uppercase)


def is_designation(code: str) -> bool:
    """Whether a code-like word names a size, standard or grade: "M16", "DN80", "IP65"."""
    return bool(_DESIGNATION.fullmatch(normalise(code)))


def is_row_key(key: str, head: str) -> bool:
    """Whether the first cell of a table row is a code; `head` is the head of its column."""
    if not _KEY.fullmatch(key) or not re.search(r"[\d-]", key):
        return False
    return bool(_KEY_HEAD.search(head)) or (bool(_TAG.fullmatch(key)) and not is_designation(key))


def codes_in(text: str) -> Iterator[str]:
    """Every code that a manual's text mentions, in its one spelling."""
    for pattern in (_TAG, _PART_NUMBER):
        for match in pattern.finditer(text):
            yield normalise(match.group())


def asked_codes(question: str) -> Iterator[AskedCode]:
    """The code-like words of a question, the surest reading of each first."""
    for match in _ASKED_NUMBER.finditer(question):
        yield AskedCode(match.group(1), certain=True, number_only=True)
    for match in _ASKED_PART.finditer(question):
        yield AskedCode(match.group(), certain=bool(_MIXED.search(match.group())))
    for match in _ASKED_TAG.finditer(question):
        yield AskedCode(match.group(), certain=True)
    for pattern in (_ASKED_SPACED, _ASKED_LETTERS, _ASKED_DIGITS):
        for match in pattern.finditer(question):
            yield AskedCode(match.group())
