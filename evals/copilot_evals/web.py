"""How quickly pages come and facts appear, and what many open tabs cost the server."""

import asyncio
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from copilot.demo.site import demo_settings
from copilot_evals.report import machine, print_json, print_table
from copilot_evals.web_browser import NoBrowser, Seen, chromium, look
from copilot_evals.web_server import Served, served_demo
from copilot_evals.web_tabs import SIGNALS, Tabs, add_watchers, measure, percentile, signals_of

BARS = {
    "first_load_bytes": "<= 250000",
    "first_paint_ms": "<= 500",
    "first_fact_ms": "<= 1200",
    "event_p95_ms": "<= 1000",
    "cpu_share": "<= 0.60",
    "rss_growth_mb": "no growth",
}


@dataclass(frozen=True, slots=True)
class Web:
    """What was measured; `tabs` only where many were asked for."""

    seen: Seen
    tabs: Tabs | None

    def figures(self) -> dict[str, float]:
        """What `--json` prints."""
        figures: dict[str, float] = {
            "first_load_bytes": self.seen.first_load_bytes,
            "first_paint_ms": round(self.seen.first_paint_ms),
            "first_fact_ms": round(median(self.seen.first_fact_ms)),
        }
        if self.tabs is not None:
            figures |= {
                "event_p95_ms": round(percentile(self.tabs.delays_ms, 95)),
                "cpu_share": round(self.tabs.cpu_share, 3),
                "rss_growth_mb": round(self.tabs.growth_mb, 1),
            }
        return figures


def run(*, tabs: int = 0, seconds: float = 60.0, as_json: bool = False) -> int:
    """Measure, print the tables; exit code 0, or 2 without a browser."""
    try:
        chromium()
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 2
    with served_demo() as served:
        names = add_watchers(served.home, own_database(served.home), tabs)
        seen = asyncio.run(look(served.url))
        watched = None
        if tabs:
            watched = asyncio.run(
                measure(served.url, served.pid, names, signals_of(served.home), tabs, seconds)
            )
    web = Web(seen, watched)
    _report(web, served)
    if as_json:
        print_json(web.figures())
    return 0


def own_database(home: Path) -> str:
    """The copilot's own database of a demo plant."""
    return demo_settings(home, "").database.own


def _report(web: Web, served: Served) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "starlette", "uvicorn"))
    print(f"{machine()}, {packages}, Chromium {web.seen.version}")
    rows = [
        (
            visit.path,
            str(len(visit.bytes)),
            str(visit.requests),
            f"{max(visit.bytes):,}",
            f"{median(visit.paint_ms):.0f}",
            f"{max(visit.paint_ms):.0f}",
        )
        for visit in web.seen.visits
    ]
    heads = ("first visit, empty cache", "n", "requests", "bytes", "paint ms p50", "max")
    print_table("What a first visit loads", heads, rows)
    facts = web.seen.first_fact_ms
    print(
        f"from send to the first fact on screen, model warm: p50 {median(facts):.0f} ms, "
        f"max {max(facts):.0f} ms of {len(facts)} questions"
    )
    if web.tabs is not None:
        _report_tabs(web.tabs)
    print_table(
        "Against the bars",
        ("figure", "bar", "measured"),
        [(name, BARS[name], f"{value:g}") for name, value in web.figures().items()],
    )


def _report_tabs(tabs: Tabs) -> None:
    rows = [
        ("event after the server's reading, ms", *_three(tabs.delays_ms)),
        ("event after the plant's measurement, ms", *_three(tabs.ages_ms)),
    ]
    title = f"{tabs.count} tabs with {SIGNALS} live signals each, {tabs.seconds:.0f} s"
    print_table(title, ("delay", "n", "p50", "p95", "max"), rows)
    print(
        f"{tabs.events / tabs.seconds:.0f} events/s in all, {tabs.lost} lines lost; server: "
        f"{tabs.cpu_share:.0%} of a core, {tabs.rss_mb[0]:.0f} MB resident after warming up, "
        f"{tabs.rss_mb[-1]:.0f} MB at the end"
    )


def _three(delays: list[float]) -> tuple[str, str, str, str]:
    p50, p95 = percentile(delays, 50), percentile(delays, 95)
    return str(len(delays)), f"{p50:.0f}", f"{p95:.0f}", f"{max(delays, default=0):.0f}"
