"""The read tools and the plant's machines over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException

from copilot.web.access import Reader, Served
from copilot.web.api.calls import READING, look_up
from copilot.web.api.found import Found, RangeShape, Shape, show_found
from copilot.web.api.problems import LOOKING, SENDING, problems
from copilot.web.strict import StrictRoute
from copilot_tools.site.model import Asset, Severity
from copilot_tools.tool import Tool

router = APIRouter(prefix="/api/v1", route_class=StrictRoute)


class ToolShape(Shape):
    """A tool: what it is for, and the JSON Schema of its arguments."""

    name: str
    purpose: str
    arguments: dict[str, Any]


class ToolList(Shape):
    """All tools that can be called here."""

    tools: list[ToolShape]


class SignalShape(Shape):
    """A measured value of a machine, by the names under which it can be asked for."""

    id: str
    name: str
    unit: str
    aliases: tuple[str, ...]
    normal: RangeShape | None
    range: RangeShape | None


class SetpointShape(Shape):
    """A target value with its bounds; it is only changed by a proposal that people approve."""

    id: str
    name: str
    unit: str
    bounds: RangeShape
    max_step: float | None


class ComponentShape(Shape):
    """A replaceable part of a machine, and its number in the stores."""

    name: str
    part: str


class AlarmShape(Shape):
    """An alarm that may be raised for a machine."""

    id: str
    message: str
    severity: Severity


class AssetSummary(Shape):
    """A machine and where it stands."""

    id: str
    name: str
    kind: str
    area: str
    line: str
    model: str


class AssetList(Shape):
    """The machines of the plant."""

    assets: list[AssetSummary]


class AssetShape(AssetSummary):
    """A machine with all that can be asked of it."""

    aliases: tuple[str, ...]
    feeds: tuple[str, ...]
    signals: tuple[SignalShape, ...]
    setpoints: tuple[SetpointShape, ...]
    components: tuple[ComponentShape, ...]
    alarms: tuple[AlarmShape, ...]
    documents: tuple[str, ...]


@router.get("/tools", summary="The tools", tags=["tools"], responses=problems(*LOOKING))
async def list_tools(visitor: Reader) -> ToolList:
    """Every tool that looks something up, with the JSON Schema of its arguments."""
    return ToolList(tools=[_describe(tool) for tool in READING])


@router.post("/tools/{tool}", summary="Call a tool", tags=["tools"], responses=problems(*SENDING))
async def call_tool(
    tool: str, arguments: Annotated[dict[str, Any], Body()], visitor: Reader, services: Served
) -> Found:
    """What a tool finds; nothing that changes the plant can be called here."""
    if tool not in {known.name for known in READING}:
        raise HTTPException(404)
    found = await look_up(services.copilot.plant, visitor.actor, "rest", tool, arguments)
    return show_found(found, services.settings.images)


@router.get("/assets", summary="The machines", tags=["plant"], responses=problems(*LOOKING))
async def list_assets(visitor: Reader, services: Served, area: str = "") -> AssetList:
    """Every machine, or those of one area."""
    assets = services.copilot.plant.site.assets.values()
    chosen = [asset for asset in assets if area in ("", asset.area)]
    return AssetList(assets=[AssetSummary.model_validate(asset) for asset in chosen])


@router.get("/assets/{asset}", summary="One machine", tags=["plant"], responses=problems(*LOOKING))
async def show_asset(asset: str, visitor: Reader, services: Served) -> AssetShape:
    """A machine with its signals, setpoints, components and alarms."""
    found: Asset | None = services.copilot.plant.site.assets.get(asset)
    if found is None:
        raise HTTPException(404)
    return AssetShape.model_validate(found)


def _describe(tool: Tool) -> ToolShape:
    return ToolShape(
        name=tool.name, purpose=tool.purpose, arguments=tool.arguments.model_json_schema()
    )
