"""`copilot feedback`: what people thought of answers, for the evaluations."""

import json
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]


def feedback(config: Config = None) -> None:
    """Print one JSON object a line: question, calls, answer, whether it was right, why and who."""
    from copilot import db
    from copilot.runs.feedback import export
    from copilot.settings import load_settings

    engine = db.open_database(load_settings(config).database.own)
    try:
        db.migrate(engine)
        for line in export(engine):
            typer.echo(json.dumps(line))
    finally:
        engine.dispose()
