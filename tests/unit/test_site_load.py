from pathlib import Path

import pytest

from copilot_tools.facts import Range
from copilot_tools.site.load import SiteError, load_site, parse_site
from copilot_tools.site.model import Node, SafetyClass, Severity

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
