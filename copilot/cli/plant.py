"""`copilot plant`: draft a plant model from an OPC UA server, and check one."""

from pathlib import Path
from typing import Annotated

import typer

plant_model = typer.Typer(help="Draft and check plant models.", no_args_is_help=True)


@plant_model.command()
def check(
    model: Annotated[Path, typer.Argument(help="The plant model.")] = Path("plant.toml"),
) -> None:
    """Say whether a plant model is valid; an error names its line."""
    from copilot_tools.site.load import load_site

    site = load_site(model)
    typer.echo(
        f"{site.name}: {len(site.areas)} areas, {len(site.lines)} lines, {len(site.assets)} "
        f"assets, {len(site.signals())} signals, {len(site.alarms())} alarms"
    )


@plant_model.command()
def discover(
    url: Annotated[str, typer.Argument(help="An OPC UA endpoint, opc.tcp://...")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.")
    ] = None,
) -> None:
    """Draft a plant model by browsing an OPC UA server; read and complete it before use."""
    import asyncio

    from copilot_tools.sources.opcua_browse import discover as browse

    draft = asyncio.run(browse(url))
    if output is None:
        typer.echo(draft, nl=False)
        return
    if output.exists():
        raise typer.BadParameter(f"{output} exists; nothing was overwritten")
    output.write_text(draft, encoding="utf-8")
    typer.echo(f"Draft written to {output}; now: copilot plant check {output}")
