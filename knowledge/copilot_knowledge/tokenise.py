"""Text to index terms: compounds whole, in parts and joined; words stemmed, stop words out."""

import re
import unicodedata
from dataclasses import dataclass

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:[-_./:][^\W_]+)*")
_PART = re.compile(r"[-_./:]")
_ALGORITHMS = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "sv": "swedish",
}
# Question words stand here too: they tell what is asked, not what it is about.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about all am an and any are as at be been being both but by can could did do does doing
        each find for from get gets give go goes had has have having he her here how i if in into
        is it its just keep keeps let make many may me mean means might much must my need needs no
        not now of on or our out over please put shall she should show so some such take takes tell
        than that the their them then there these they this those to too up us use used want was we
        were what when where whether which while who why will with would you your
        """,
    )
)
# Stems of units that manuals write out and abbreviate within one page.
_UNITS = {
    "gram": "g",
    "hour": "h",
    "hr": "h",
    "kilogram": "kg",
    "liter": "l",
    "litr": "l",
    "meter": "m",
    "metr": "m",
    "millimet": "mm",
    "millimetr": "mm",
    "minut": "min",
    "second": "s",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: its `whole` term and, for compounds, the terms of its parts."""

    whole: str
    joined: str = ""
    parts: tuple[str, ...] = ()

    def terms(self) -> tuple[str, ...]:
        """Every term under which the word is indexed."""
        return (self.whole, self.joined, *self.parts) if self.parts else (self.whole,)

    def within(self, terms: frozenset[str]) -> bool:
        """Whether a text with these terms holds the word, in whatever spelling."""
        if self.whole in terms or (self.joined and self.joined in terms):
            return True
        return bool(self.parts) and all(part in terms for part in self.parts)


def tokenise(text: str, language: str = "en") -> list[Word]:
    """The words of a text in order, stop words left out, stemmed for the language."""
    stem = Stemmer.Stemmer(_ALGORITHMS.get(language[:2].lower(), "english")).stemWord
    words = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
        spelled = match.group()
        parts = [part for part in _PART.split(spelled) if part]
        if len(parts) > 1:
            stemmed = tuple(stem(part) for part in parts if part not in STOP_WORDS)
            words.append(Word(spelled, "".join(parts), stemmed))
        elif spelled not in STOP_WORDS:
            term = stem(spelled) if spelled.isalpha() else spelled
            words.append(Word(_UNITS.get(term, term)))
    return words


def index_terms(text: str, language: str = "en") -> list[str]:
    """All index terms of a text, with repetitions."""
    return [term for word in tokenise(text, language) for term in word.terms()]
