"""The plant model and the people as Cedar entities, in JSON, as the schema describes them."""

import json
from collections.abc import Mapping
from typing import Any

from copilot.actor import EVERYWHERE, Actor
from copilot_tools.site.model import Asset, Site

Uid = tuple[str, str]


class PlantEntities:
    """Each target of the site as JSON with the machine it belongs to; written once."""

    def __init__(self, site: Site) -> None:
        self._areas = tuple(site.areas)
        self._targets: dict[Uid, tuple[str, ...]] = {}
        for asset in site.assets.values():
            self._add(asset)

    def target(self, uid: Uid) -> tuple[str, ...]:
        """The entities that describe a target; none for records and for what is not there."""
        return self._targets.get(uid, ())

    def lacks(self, uid: Uid) -> bool:
        """Whether it is of a kind that the plant model lists, and not in it."""
        if uid[0] == "Area":
            return uid[1] not in self._areas
        return uid[0] in ("Asset", "Setpoint", "Command", "Alarm") and uid not in self._targets

    def user(self, actor: Actor) -> str:
        """An account; who works everywhere has every area."""
        areas = self._areas if EVERYWHERE in actor.areas else actor.areas
        return _entity(
            ("User", actor.name),
            {
                "role": reference("Role", actor.role),
                "person": actor.person,
                "areas": [reference("Area", area) for area in areas],
                "on_shift": actor.on_shift,
            },
        )

    def _add(self, asset: Asset) -> None:
        own: Uid = ("Asset", asset.id)
        machine = _entity(own, {"kind": asset.kind, "line": asset.line}, ("Area", asset.area))
        self._targets[own] = (machine,)
        for s in asset.setpoints:
            about: dict[str, Any] = {"name": s.name, "unit": s.unit, "critical": s.critical}
            self._targets["Setpoint", s.id] = (_entity(("Setpoint", s.id), about, own), machine)
        for c in asset.commands:
            about = {"name": c.name, "critical": c.critical}
            self._targets["Command", c.id] = (_entity(("Command", c.id), about, own), machine)
        for a in asset.alarms:
            about = {"severity": reference("Severity", a.severity)}
            self._targets["Alarm", a.id] = (_entity(("Alarm", a.id), about, own), machine)


def reference(type: str, id: str) -> dict[str, Any]:
    """An entity as the value of an attribute."""
    return {"__entity": {"type": type, "id": str(id)}}


def _entity(uid: Uid, attributes: Mapping[str, Any], parent: Uid | None = None) -> str:
    parents = [{"type": parent[0], "id": parent[1]}] if parent else []
    own = {"type": uid[0], "id": uid[1]}
    return json.dumps({"uid": own, "attrs": dict(attributes), "parents": parents})
