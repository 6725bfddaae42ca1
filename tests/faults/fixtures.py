"""A controller, a wire that can be cut, and the executor's actuators on its other end."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from copilot.executor.actuators import Actuator, actuators
from copilot.executor.opcua_write import WriteConnection
from faults.changes import SITE
from faults.opcua_proxy import Proxy
from faults.plc import Plc
from faults.plc_server import PASSWORD, USER

TIMEOUT_S = 2.0


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plc]:
    """The controller of all tests; it takes a second to start."""
    controller = Plc(tmp_path_factory.mktemp("plc"))
    yield controller
    controller.stop()


@pytest.fixture
def plc(controller: Plc) -> Iterator[Plc]:
    """A running controller as new; it may be killed and started again."""
    controller.renew()
    yield controller
    controller.thaw()


@pytest.fixture
async def proxy(plc: Plc) -> AsyncIterator[Proxy]:
    """The wire to the controller."""
    async with Proxy(plc.url) as wire:
        yield wire


@pytest.fixture
async def opcua(proxy: Proxy) -> AsyncIterator[WriteConnection]:
    """The executor's connection, over that wire."""
    connection = WriteConnection(proxy.url, USER, PASSWORD, TIMEOUT_S)
    yield connection
    await connection.close()


@pytest.fixture
def acting(opcua: WriteConnection) -> Mapping[str, Actuator]:
    """The actuators of the plant; there is no ERP."""
    absent: Any = None
    return actuators(SITE, opcua, absent)
