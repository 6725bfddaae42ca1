"""How evaluations print: a table for people, one JSON object for machines, the machine named."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from math import sqrt

from rich.console import Console
from rich.table import Table


def machine() -> str:
    """Processor, cores, load and the versions a figure depends on."""
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()} {_processor()}, {os.cpu_count()} cores, load {load:.1f}, "
        f"Python {platform.python_version()}, llama-cpp-python {version('llama-cpp-python')}, "
        f"industrial-copilot {version('industrial-copilot')}"
    )


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, right / total
    centre = share + z * z / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (centre - spread) / scale, (centre + spread) / scale


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One table; the first column left, the others right."""
    grid = Table(title=title, title_justify="left")
    for position, head in enumerate(heads):
        grid.add_column(head, justify="right" if position else "left")
    for row in rows:
        grid.add_row(*row)
    Console(width=120).print(grid)


def print_json(figures: Mapping[str, object]) -> None:
    """The figures as the last line of the output."""
    print(json.dumps(dict(figures)))


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"
