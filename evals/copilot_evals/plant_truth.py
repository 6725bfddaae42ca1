"""What the running demo plant holds, asked past the copilot: its OPC UA server and its records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from asyncua.client.client import Client

from copilot_evals.plant_judge import Expectation, Row, Rows
from copilot_evals.plant_records import Records
from copilot_tools.facts import Value

NAMESPACE = "urn:riverbend:plant"
CHANGING = ("live", "state")
"""Expectations whose truth moves within seconds: they are looked at all through a turn."""


class Truth:
    """One running demo plant; `look` answers an expectation as of now."""

    def __init__(self, records: Records, client: Client, namespace: int) -> None:
        self.records = records
        self._client = client
        self._namespace = namespace
        self._assets = records.assets
        self._states: dict[str, tuple[Any, Any]] = {}

    async def look(self, expected: Expectation) -> Rows:
        """The rows of truth that an expectation speaks of; none where it needs no truth."""
        about = expected.about
        match expected.kind:
            case "live":
                return [await self._live(*about)]
            case "state":
                return [(about, await self._value(f"{about}.state"))]
            case "unchanged":
                return [(await self._value(about),)]
            case "assets":
                return [(key,) for key in await self._chosen(**about)]
            case "alarms":
                return [(key,) for key in await self._standing(**about)]
        return self.records.look(expected)

    async def inject(self, fault: str, asset: str, severity: float, ramp_s: float) -> None:
        """Let a fault grow to a severity (0..1) on a machine within `ramp_s` seconds."""
        await self._demo("inject_fault", fault, asset, float(severity), float(ramp_s))

    async def clear(self) -> None:
        """Take every injected fault back."""
        await self._demo("clear_faults")

    async def _demo(self, method: str, *arguments: Value) -> None:
        """Call a method of the demo plant, which only its executor may."""
        executor = Client(str(self._client.server_url.geturl()))
        executor.set_user("executor")
        executor.set_password(self.records.executor_password)
        async with executor:
            demo = executor.get_node(f"ns={self._namespace};s=Demo")
            await demo.call_method(f"{self._namespace}:{method}", *arguments)

    async def _live(self, asset: str, signal: str) -> Row:
        name = f"{asset}.{signal.replace(' ', '_')}"
        units = await self._node(name).get_child(["0:EngineeringUnits"])
        unit = (await units.read_value()).DisplayName.Text or ""
        return asset, signal, await self._value(name), unit

    async def _value(self, identifier: str) -> Value:
        answer = await self._node(identifier).read_data_value(raise_on_bad_status=False)
        good = answer.StatusCode is None or not answer.StatusCode.is_bad()
        value: Value = answer.Value.Value if good and answer.Value else None
        return value

    def _node(self, identifier: str) -> Any:
        return self._client.get_node(f"ns={self._namespace};s={identifier}")

    async def _chosen(self, state: str = "", **wanted: str) -> list[str]:
        fits = [
            key
            for key, asset in self._assets.items()
            if all(asset.get(name) == value for name, value in wanted.items())
        ]
        return [key for key in fits if not state or await self._value(f"{key}.state") == state]

    async def _standing(self, **wanted: str) -> list[str]:
        """Alarms of the chosen machines that are active, or not yet acknowledged."""
        found = []
        for machine in await self._chosen(**wanted):
            for alarm in self._assets[machine].get("alarm", []):
                active, acknowledged = await self._condition(alarm["node"].removeprefix("s="))
                if await active.read_value() or not await acknowledged.read_value():
                    found.append(alarm["id"])
        return found

    async def _condition(self, identifier: str) -> tuple[Any, Any]:
        """The nodes that tell whether an alarm is active, and whether it is acknowledged."""
        if identifier not in self._states:
            condition = self._node(identifier)
            self._states[identifier] = (
                await condition.get_child(["0:ActiveState", "0:Id"]),
                await condition.get_child(["0:AckedState", "0:Id"]),
            )
        return self._states[identifier]


@asynccontextmanager
async def open_truth(home: Path, url: str) -> AsyncIterator[Truth]:
    """The truth of the demo plant in `home` whose server answers at `url`."""
    async with Client(url) as client:
        namespace = await client.get_namespace_index(NAMESPACE)
        yield Truth(Records(home), client, namespace)
