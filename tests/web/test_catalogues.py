"""The pages speak all their languages: every text is translated, none stands there untranslated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from copilot.actor import Role
from copilot.web.rendering import TEMPLATES, environment
from copilot.web.texts import LANGUAGES, LOCALE, SOURCE, translations

WEB = LOCALE.parent
OTHERS = [language for language in LANGUAGES if language != SOURCE]
PLACE = re.compile(r"%\(\w+\)[sd]")
TEXTS = sorted(TEMPLATES.rglob("*.html"))
SPOKEN_ATTRIBUTES = {"aria-label", "title", "alt", "placeholder", "label"}


def used() -> Catalog:
    """What `make catalogues` finds in templates and code."""
    with (LOCALE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalogue = Catalog()
    keywords = {**DEFAULT_KEYWORDS, "say": (2,)}
    found = extract_from_dir(WEB, methods, options, keywords)
    for _, _, texts, _, context in found:
        catalogue.add(texts, context=context)
    return catalogue


def catalogue(language: str) -> Catalog:
    with (LOCALE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def places(text: str) -> set[str]:
    return set(PLACE.findall(text))


def forms(message: Message) -> list[tuple[str, str]]:
    """Each text of a message with what it is in the other language."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    singular, plural = message.id
    return [(singular if n == 0 else plural, text) for n, text in enumerate(message.string)]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str):
    known = catalogue(language)
    missing = []
    for message in used():
        if not message.id:
            continue
        translated = known.get(message.id, message.context)
        if translated is None or translated.fuzzy or not all(t for _, t in forms(translated)):
            missing.append(message.id)
    assert missing == [], "run `make catalogues` and translate"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_of_its_text(language: str):
    wrong = [
        (text, translated)
        for message in catalogue(language)
        if message.id
        for text, translated in forms(message)
        if places(text) != places(translated)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_no_page_says(language: str):
    said = used()
    assert [m.id for m in catalogue(language) if m.id and said.get(m.id, m.context) is None] == []


@pytest.mark.parametrize("language", OTHERS)
def test_roles_have_names(language: str):
    words = translations(language)
    assert all(words.gettext(role) for role in Role)
    assert words.gettext("operator") != "operator" or language == "es"


class _Spoken(HTMLParser):
    """The texts that a template holds as they are, outside of its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.texts += [value or "" for name, value in attrs if name in SPOKEN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def plain_texts(template: Path) -> Iterator[str]:
    source = template.read_text(encoding="utf-8")
    source = re.sub(r"\{%-?\s*trans.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    parser = _Spoken()
    parser.feed(source)
    for text in parser.texts:
        yield from re.findall(r"[^\W\d_]{3,}", text)


NAMES = {"min", "max", "OEE", "RUL", "CSV", "PDF", "Markdown", "MTBF", "MTTR", "PIN"}


@pytest.mark.parametrize("template", TEXTS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_holds_words_of_its_own(template: Path):
    assert [word for word in plain_texts(template) if word not in NAMES] == []


@pytest.mark.parametrize("template", TEXTS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_every_template_can_be_read(template: Path):
    environment(SOURCE).get_template(str(template.relative_to(TEMPLATES)))
