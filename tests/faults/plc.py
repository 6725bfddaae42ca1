"""A small controller with an OPC UA server, in a process of its own: to be killed and frozen.

    plc = Plc(tmp_path)                 # its journal and its orders lie in that folder
    plc.start()                         # waits until it listens at plc.url
    plc.order(answers={"M-1.speed_setpoint": {"status": "GoodClamped"}}, values={...})
    plc.taken()                         # what it has taken so far, one entry a write or call
    plc.freeze(); plc.thaw(); plc.kill(); plc.start(fillers=2); plc.renew(); plc.stop()

`SITE` is the plant model that fits it (`parse_site(SITE)`). The user "executor" (password "secret")
may write; everybody else may read. It scans every 50 ms: each scan gives numbers a new source time.

Nodes of `urn:works` (all identifiers are strings):
    M-1.speed_setpoint     Double, EURange 500..1500, rpm      starts at 1000
    M-1.count_setpoint     Int32, no range                     starts at 40
    M-1.torque_setpoint    Float, EURange 0..20, Nm            starts at 3.5
    M-1.trip_setpoint      Double, not writable by anybody     starts at 1800
    M-1.pressure_setpoint  Double, bar, shown only; set through the block M-1.pressure_command
    M-1.state              String: running, stopped            starts at "running"
    M-1.lockout            Boolean                             starts at False
    M-1.start, M-1.stop    methods; BadInvalidState while locked out
    M-1.reset              command tag; sets the state to "reset"
    M-1.temperature        Double, °C
    M-1.hot                alarm condition with Acknowledge(EventId, Comment)
The block follows docs/plc-handshake.md: an id is taken at most once, and only before it expires.

Orders take effect before the next request is answered. `values` sets nodes. `answers` says how a
node, by identifier, takes writes (or a method, calls), until it is ordered otherwise:
    status   the status code to answer with, "Good" unless told
    takes    whether the value is taken; without it, all but Bad statuses do
    shows    what reading it gives afterwards: "" (the value taken), "clamped" (half way), "stale"
             (value and time from before), "bad", "uncertain", "oscillating" (old and new in turn)
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faults.plc_server import URI

SITE = """\
[site]
id = "works"
name = "Small works"
time_zone = "Europe/Berlin"
namespace = "urn:works"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "A"
state = "s=M-1.state"
lockout = "s=M-1.lockout"
[[asset.signal]]
name = "temperature"
node = "s=M-1.temperature"
unit = "°C"
[[asset.setpoint]]
name = "speed"
node = "s=M-1.speed_setpoint"
unit = "rpm"
bounds = [400.0, 2000.0]
max_step = 200.0
resolution = 1.0
tolerance = 0.5
settle_s = 0.2
writable = true
[[asset.setpoint]]
name = "count"
node = "s=M-1.count_setpoint"
unit = ""
bounds = [0.0, 100.0]
resolution = 1.0
tolerance = 0.1
settle_s = 0.2
writable = true
[[asset.setpoint]]
name = "torque"
node = "s=M-1.torque_setpoint"
unit = "Nm"
bounds = [0.0, 20.0]
settle_s = 0.2
writable = true
[[asset.setpoint]]
name = "closed"
node = "s=M-1.trip_setpoint"
unit = "rpm"
bounds = [0.0, 3000.0]
settle_s = 0.2
writable = true
[[asset.setpoint]]
name = "trip"
node = "s=M-1.safety_trip"
unit = "rpm"
bounds = [0.0, 3000.0]
safety = "sis"
[[asset.setpoint]]
name = "pressure"
node = "s=M-1.pressure_setpoint"
unit = "bar"
bounds = [0.0, 12.0]
settle_s = 0.2
writable = true
handshake = "s=M-1.pressure_command"
[[asset.command]]
name = "start"
node = "s=M-1.start"
allowed = true
expects = ["running"]
settle_s = 1.0
[[asset.command]]
name = "stop"
node = "s=M-1.stop"
allowed = true
expects = ["stopped"]
settle_s = 1.0
[[asset.command]]
name = "reset"
node = "s=M-1.reset"
allowed = true
expects = ["reset"]
settle_s = 1.0
[[asset.alarm]]
id = "HOT-1"
message = "gearbox hot"
severity = "high"
node = "s=M-1.hot"
signal = "temperature"
limit = 80.0
"""


class Plc:
    """The controller's process, its orders and its journal."""

    def __init__(self, folder: Path) -> None:
        self._orders = folder / "plc-orders.jsonl"
        self._journal = folder / "plc-journal.jsonl"
        self._process: subprocess.Popen[str] | None = None
        self._plain = True
        self.port = _free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}/"

    def start(self, fillers: int = 0, uri: str = URI) -> None:
        """Start it, after `fillers` other namespaces; answers when it listens."""
        self.order()
        self._plain = (fillers, uri) == (0, URI)
        program = Path(__file__).with_name("plc_server.py")
        asked = [sys.executable, str(program), str(self.port), str(fillers), uri]
        asked += [str(self._orders), str(self._journal)]
        # Its complaints about clients that were cut off are no news here.
        self._process = subprocess.Popen(
            asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "the controller did not start"

    def renew(self) -> None:
        """As if just started for the first time: nothing set, nothing ordered, nothing taken."""
        self._journal.unlink(missing_ok=True)
        if self._process is None or not self._plain:
            self.stop()
            self.start()
        self.order(reset=True)

    def order(
        self,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        reset: bool = False,
    ) -> None:
        """Answer requests so from now on, and set these values now."""
        order = {"answers": answers or {}, "values": values or {}, "reset": reset}
        with self._orders.open("a", encoding="utf-8") as orders:
            orders.write(json.dumps(order) + "\n")

    def taken(self, node: str = "") -> list[dict[str, Any]]:
        """Every write and call that had an effect: {"node", "value"}, of one node or of all.

        A write to a node that does not exist is in it too, as the node "wrong node".
        """
        if not self._journal.exists():
            return []
        lines = self._journal.read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if not node or entry["node"] == node]

    def freeze(self) -> None:
        """Stop it where it stands; what arrives waits in the operating system."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would; what was set is lost."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def stop(self) -> None:
        """End it, when it still runs."""
        if self._process is not None:
            self.thaw()
            self.kill()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
