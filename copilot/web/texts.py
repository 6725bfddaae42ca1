"""The languages of the pages: catalogues in `locale/`, chosen by the visitor or their browser.

What tools find is not translated: facts, units and quotes stay as their source has them.
"""

import gettext
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

LOCALE = Path(__file__).parent / "locale"
SOURCE = "en"
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español"}
COOKIE = "copilot_language"


def language_of(request: Request) -> str:
    """The language that a request is answered in."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    accepted = request.headers.get("Accept-Language", "").split(",")
    wanted = [part.partition(";")[0].strip() for part in accepted if part.strip()]
    return negotiate_locale([w.replace("-", "_") for w in wanted], list(LANGUAGES)) or SOURCE


@lru_cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; the source language needs none."""
    file = LOCALE / f"{language}.po"
    if language == SOURCE or not file.is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def say(request: Request, text: str) -> str:
    """A text of ours in the language of a request."""
    return translations(language_of(request)).gettext(text)
