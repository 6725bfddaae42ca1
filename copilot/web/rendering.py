"""Pages from templates: every text escaped, every value with unit, every time in plant time."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from copilot.web.access import Visitor, services_of
from copilot.web.pictures import show_picture
from copilot.web.texts import LANGUAGES, language_of, translations
from copilot_tools.display import format_age, format_number, format_time, format_value, printable

TEMPLATES = Path(__file__).parent / "templates"
THEME = "copilot_theme"
THEMES = ("auto", "light", "dark")
KIOSK = "copilot_kiosk"


@lru_cache
def environment(language: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(  # type: ignore[attr-defined]
        translations(language), newstyle=True
    )
    made.filters.update(
        number=format_number,
        value=format_value,
        age=format_age,
        printable=printable,
        shown=show_picture,
    )
    return made


def render(
    request: Request,
    template: str,
    visitor: Visitor | None = None,
    status: int = 200,
    **content: Any,
) -> HTMLResponse:
    """A whole page for a visitor."""
    text = fragment(request, template, visitor=visitor, **content)
    return HTMLResponse(text, status)


def fragment(request: Request, template: str, /, **content: Any) -> Markup:
    """A template filled in; a piece of a page, or a whole one."""
    language = language_of(request)
    return fill(language, template, **{**_surroundings(request, language), **content})


def fill(language: str, template: str, /, **content: Any) -> Markup:
    """A template filled in outside of a request; `content` holds all that it uses."""
    return Markup(environment(language).get_template(template).render(**content))


def kiosk(request: Request) -> bool:
    """Whether this is a terminal on the floor; `?kiosk=1` makes it one until `?kiosk=0`."""
    asked = request.query_params.get("kiosk")
    return asked == "1" if asked in ("0", "1") else request.cookies.get(KIOSK) == "1"


def _surroundings(request: Request, language: str) -> dict[str, Any]:
    services = services_of(request)
    site = services.copilot.plant.site
    theme = request.cookies.get(THEME, "auto")
    zone = site.time_zone

    def moment(time: datetime) -> Markup:
        """A time for people, in plant time, and for machines."""
        return Markup('<time datetime="{}">{}</time>').format(
            time.isoformat(), format_time(time, zone)
        )

    return {
        "site": site,
        "now": services.now(),
        "zone": zone,
        "moment": moment,
        "path": request.url.path,
        "language": language,
        "languages": LANGUAGES,
        "theme": theme if theme in THEMES else "auto",
        "kiosk": kiosk(request),
        "proposes": services.copilot.desk is not None,
        "visitor": None,
    }
