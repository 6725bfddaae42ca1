"""The demo plant's spare-part stores, from `parts.csv` beside this file."""

import csv
from importlib.resources import files

from copilot_tools.records import Part


def load_parts() -> list[Part]:
    """Every spare part with its stock."""
    text = files("copilot.demo").joinpath("parts.csv").read_text(encoding="utf-8")
    return [
        Part(
            number=row["number"],
            name=row["name"],
            unit=row["unit"],
            stock=float(row["stock"]),
            reserved=float(row["reserved"]),
            minimum=float(row["minimum"]),
            bin=row["bin"],
            price=float(row["price"]),
            currency=row["currency"],
            lead_time_days=int(row["lead_time_days"]),
            supplier=row["supplier"],
            fits=tuple(row["fits"].split()),
        )
        for row in csv.DictReader(text.splitlines())
    ]
