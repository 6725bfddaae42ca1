from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.facts import Range
from copilot_tools.site.load import SiteError, load_site, parse_site
from copilot_tools.site.model import Node, SafetyClass, Severity, Watch
from copilot_tools.site.resolution import format_count, is_whole_count

VALID = """\
[site]
id = "north"
name = "North works"
time_zone = "Europe/Madrid"
namespace = "urn:north"

[[shift]]
name = "day"
start = 06:00:00

[[area]]
id = "A1"
name = "Press hall"

[[asset]]
id = "HP-7"
name = "Forging press"
kind = "press"
area = "A1"
state = "s=HP-7.state"
lockout = "s=HP-7.locked"

[[asset.signal]]
name = "oil temperature"
node = "nsu=urn:other;i=42"
unit = "degC"
normal = [30.0, 55.0]
limits = { high = 60.0 }

[[asset.signal]]
name = "tonnage"
node = "s=HP-7.tonnage"

[[asset.setpoint]]
name = "overload trip"
node = "s=HP-7.trip"
bounds = [0.0, 10.0]
safety = "sis"

[[asset.setpoint]]
name = "ram pressure"
node = "s=HP-7.ram"
unit = "bar"
bounds = [20.0, 180.5]
writable = true
resolution = 0.5
max_rate = 20.0
critical = true
watch = [{ signal = "oil temperature", tolerance = 5.0 }]
handshake = "s=HP-7.ram_command"

[[asset.command]]
name = "stop"
node = "s=HP-7.stop"
allowed = true
expects = ["stopped"]
settle_s = 20.0

[[asset.component]]
name = "ram seal"
wear = { signal = "oil temperature", threshold = 70.0 }

[[asset.alarm]]
id = "ALM-1"
message = "hot oil"
severity = "high"
node = "s=HP-7.alarms.hot"
signal = "oil temperature"
"""


def test_a_valid_model_is_read_whole():
    site = parse_site(VALID)
    press = site.assets["HP-7"]
    assert press.signals[0].node == Node("urn:other", "i=42")
    assert press.signals[1].node == Node("urn:north", "s=HP-7.tonnage")
    assert press.signals[0].normal == Range(30.0, 55.0)
    assert press.signals[0].id == "HP-7.oil temperature"
    assert press.setpoints[0].safety is SafetyClass.SIS
    assert press.alarms[0].severity is Severity.HIGH
    assert site.time_zone.key == "Europe/Madrid"


def test_what_may_be_changed_is_read_whole():
    site = parse_site(VALID)
    pressure = site.setpoint("HP-7.ram pressure")
    assert pressure is not None
    assert pressure.writable
    assert (pressure.resolution, pressure.tolerance, pressure.max_rate) == (0.5, 0.25, 20.0)
    assert pressure.critical
    assert pressure.watch == (Watch("oil temperature", 5.0),)
    assert pressure.handshake == Node("urn:north", "s=HP-7.ram_command")
    stop = site.command("HP-7.stop")
    assert stop is not None
    assert (stop.allowed, stop.expects, stop.settle_s) == (True, ("stopped",), 20.0)
    assert site.assets["HP-7"].lockout_node == Node("urn:north", "s=HP-7.locked")


def test_nothing_may_be_changed_unless_it_is_said_to_be():
    text = VALID.replace("writable = true\n", "").replace("allowed = true\n", "")
    site = parse_site(text.replace('lockout = "s=HP-7.locked"\n', ""))
    assert not any(s.writable for s in site.assets["HP-7"].setpoints)
    assert not any(c.allowed for c in site.assets["HP-7"].commands)


@pytest.mark.parametrize("key", ["HP-7.speed", "HP-8.ram pressure", "HP-7", "", ".", "HP-7."])
def test_an_unknown_key_is_no_setpoint_and_no_command(key: str):
    site = parse_site(VALID)
    assert site.setpoint(key) is None
    assert site.command(key) is None


def test_ids_with_dots_are_told_apart():
    site = parse_site(VALID.replace('"HP-7"', '"HP.7"').replace('"ram pressure"', '"ram.set"'))
    found = site.setpoint("HP.7.ram.set")
    assert found is not None
    assert found.name == "ram.set"


@pytest.mark.parametrize(
    ("old", "new", "line_of", "says"),
    [
        ('unit = "degC"', "unit = 3", "unit = 3", "valid string"),
        ('node = "s=HP-7.tonnage"', 'nod = "s=HP-7.tonnage"', 'name = "tonnage"', "Field required"),
        ("normal = [30.0, 55.0]", "normal = [55.0, 30.0]", "normal =", "low below high"),
        ('time_zone = "Europe/Madrid"', 'time_zone = "Madrid"', "time_zone", "time zone"),
        ('area = "A1"', 'area = "A2"', 'area = "A2"', "no area 'A2'"),
        ('signal = "oil temperature", threshold', 'signal = "oil", threshold', "wear", "'oil'"),
        ('severity = "high"', 'severity = "loud"', "severity", "critical"),
        ("bounds = [20.0, 180.5]", "bounds = [20.0, 180.3]", "bounds = [20.0", "no whole count"),
        ('{ signal = "oil temperature", tol', '{ signal = "oil", tol', "watch", "signal 'oil'"),
        ('safety = "sis"', 'safety = "sis"\nwritable = true', "writable", "never writable"),
        ('lockout = "s=HP-7.locked"', "", "writable", "needs a `lockout` node"),
        ('state = "s=HP-7.state"', "", "allowed", "needs a `state` node"),
        ('expects = ["stopped"]', "", "allowed", "name in `expects`"),
        ("tolerance = 5.0", "tolerance = 0.0", "watch", "greater than 0"),
        (
            'name = "ram pressure"',
            'name = "overload trip"',
            'name = "overload trip"\nnode = "s=HP-7.ram"',
            "described twice",
        ),
        ("max_rate = 20.0", "max_rate = 20.25", "max_rate =", "20.25 is no whole count"),
        ("max_rate = 20.0", "max_step = 0.75", "max_step =", "0.75 is no whole count"),
        ("max_rate = 20.0", "max_rate = inf", "max_rate =", "finite"),
        ("max_rate = 20.0", "max_step = nan", "max_step =", "finite"),
        ("max_rate = 20.0", "tolerance = inf", "tolerance = inf", "finite"),
        ("max_rate = 20.0", "tolerance = 160.5", "tolerance = 160.5", "span of its bounds"),
        ("bounds = [20.0, 180.5]", "bounds = [20.0, inf]", "bounds = [20.0", "finite"),
        ("bounds = [20.0, 180.5]", "bounds = [nan, 180.5]", "bounds = [nan", "finite"),
        ("high = 60.0", "high = -inf", "limits", "finite"),
        ("allowed = true", 'allowed = true\nsafety = "sis"', "allowed", "never allowed"),
        ('"s=HP-7.ram_command"', '"i=7"', "handshake", "text for an id"),
        ('node = "s=HP-7.tonnage"', 'node = "i=5;s=x"', 'node = "i=5', "whole number"),
        ('node = "s=HP-7.tonnage"', 'node = "i=4294967296"', 'node = "i=4', "whole number"),
        ('node = "s=HP-7.tonnage"', 'node = "g=12"', 'node = "g=', "UUID"),
        ('node = "s=HP-7.tonnage"', 'node = "b=0xAA"', 'node = "b=', "base64"),
        ('node = "s=HP-7.tonnage"', 'node = "ns=2;s=x"', 'node = "ns=2', "no node id"),
        ('id = "ALM-1"', 'id = "HP-7"', 'id = "HP-7"\nmessage', "used twice"),
    ],
)
def test_an_error_names_its_line(old: str, new: str, line_of: str, says: str):
    text = VALID.replace(old, new)
    head = text[: text.index(line_of)] if line_of != 'name = "tonnage"' else None
    with pytest.raises(SiteError) as caught:
        parse_site(text, "p.toml")
    message = str(caught.value)
    assert says in message
    if head is not None:
        assert message.startswith(f"p.toml:{head.count(chr(10)) + 1}:")
    else:
        # A missing key has no line of its own: the table that lacks it is shown.
        start = text[: text.index('name = "tonnage"')].count("\n")
        assert message.startswith(f"p.toml:{start}:")


SPELLINGS = [
    ("s=HP-7.x", "s=HP-7.x"),
    ("s=HP-7.x", "nsu=urn:north;s=HP-7.x"),
    ("i=5", "i=05"),
    ("nsu=urn:north;i=5", "i=0005"),
    ("g=72962B91-FA75-4AE6-8D28-B404DC7DAF63", "g={72962b91fa754ae68d28b404dc7daf63}"),
    ("b=qg==", "b=qh=="),
]
OTHERS = {
    "trip": ('node = "s=HP-7.trip"', 'node = "{}"', "HP-7.overload trip"),
    "state": ('state = "s=HP-7.state"', 'state = "{}"', "the state of HP-7"),
    "lockout": ('lockout = "s=HP-7.locked"', 'lockout = "{}"', "the lock-out of HP-7"),
    "alarm": ('node = "s=HP-7.alarms.hot"', 'node = "{}"', "the alarm ALM-1"),
    "command": ('node = "s=HP-7.stop"', 'node = "{}"', "HP-7."),
}


@pytest.mark.parametrize(("written", "other"), SPELLINGS)
@pytest.mark.parametrize("what", OTHERS)
def test_what_is_written_has_its_node_to_itself(what: str, written: str, other: str):
    old, new, name = OTHERS[what]
    text = VALID.replace('node = "s=HP-7.ram"', f'node = "{written}"')
    parse_site(text)
    with pytest.raises(SiteError, match=rf"^p.toml:\d+: HP-7\..*: the node .* is also {name}"):
        parse_site(text.replace(old, new.format(other)), "p.toml")


@pytest.mark.parametrize(
    "part", ["", ".command_id", ".value", ".expires_at", ".strobe", ".echo_id", ".result"]
)
@pytest.mark.parametrize("what", OTHERS)
def test_a_command_block_has_its_nodes_to_itself(what: str, part: str):
    old, new, _ = OTHERS[what]
    with pytest.raises(SiteError, match="is also"):
        parse_site(VALID.replace(old, new.format(f"s=HP-7.ram_command{part}")))


def test_two_setpoints_do_not_share_a_command_block():
    second = 'safety = "sis"\nhandshake = "nsu=urn:north;s=HP-7.ram_command"'
    with pytest.raises(SiteError, match="the command block of"):
        parse_site(VALID.replace('safety = "sis"', second))


def test_a_signal_may_mirror_what_is_written():
    site = parse_site(VALID.replace('"s=HP-7.tonnage"', '"s=HP-7.ram"'))
    assert site.assets["HP-7"].signals[1].node == site.assets["HP-7"].setpoints[1].node


def test_what_is_not_released_may_share_its_node():
    text = VALID.replace("writable = true\n", "").replace('"s=HP-7.ram"', '"s=HP-7.trip"')
    assert parse_site(text).setpoint("HP-7.ram pressure") is not None


def test_a_model_is_known_by_its_text():
    assert parse_site(VALID).digest == sha256(VALID.encode()).hexdigest()
    assert parse_site(VALID + "\n").digest != parse_site(VALID).digest


def test_text_that_is_not_toml_names_its_line():
    with pytest.raises(SiteError, match=r"line 3"):
        parse_site('[site]\nid = "x"\nname = = 3\n')


def test_a_missing_file_and_binary_junk_are_clear_errors(tmp_path: Path):
    with pytest.raises(SiteError, match="no plant model here"):
        load_site(tmp_path / "plant.toml")
    junk = tmp_path / "junk.toml"
    junk.write_bytes(b"\x00\xff\xfe\x80")
    with pytest.raises(SiteError, match="UTF-8"):
        load_site(junk)


@pytest.mark.parametrize(
    ("value", "resolution", "whole"),
    [
        (3.2, 0.01, True),
        (3.205, 0.01, False),
        (0.3, 0.1, True),
        (0.1 + 0.2, 0.1, False),
        (2850.0, 1.0, True),
        (-4.0, 0.5, True),
        (1e300, 0.01, True),
        (0.0, 0.01, True),
        (150.0, 25.0, True),
        (160.0, 25.0, False),
    ],
)
def test_values_are_set_in_whole_counts(value: float, resolution: float, whole: bool):
    assert is_whole_count(value, resolution) is whole


@given(st.integers(-10_000_000, 10_000_000), st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.5, 1, 25]))
def test_every_count_is_whole_and_shown_without_loss(count: int, resolution: float):
    value = float(Decimal(count) * Decimal(str(resolution)))
    assert is_whole_count(value, resolution)
    assert float(format_count(value, resolution)) == value
