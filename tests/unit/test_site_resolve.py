import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.errors import Retry
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver

HEAD = """\
[site]
id = "n"
name = "N"
time_zone = "UTC"
namespace = "urn:n"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "PH"
name = "Pump house"
[[area]]
id = "HALL"
name = "Filling hall"
[[line]]
id = "L1"
name = "Line 1"
ideal_rate = 100
[[line]]
id = "L2"
name = "Line 2"
ideal_rate = 100
"""


def machine(id_: str, name: str, kind: str, area: str, line: str = "", extra: str = "") -> str:
    return (
        f'[[asset]]\nid = "{id_}"\nname = "{name}"\nkind = "{kind}"\narea = "{area}"\n'
        f'line = "{line}"\n{extra}\n'
    )


PUMP_SIGNALS = """\
[[asset.signal]]
name = "suction pressure"
node = "s=a"
[[asset.signal]]
name = "discharge pressure"
node = "s=b"
[[asset.signal]]
name = "DE bearing temperature"
node = "s=c"
[[asset.signal]]
name = "motor current"
node = "s=d"
[[asset.setpoint]]
name = "speed"
node = "s=e"
bounds = [1.0, 2.0]
"""
SITE = parse_site(
    HEAD
    + machine("P-101", "Feed pump A", "pump", "PH", extra=PUMP_SIGNALS)
    + machine("P-102", "Feed pump B", "pump", "PH")
    + machine("P-203", "Syrup pump", "pump", "HALL")
    + machine("C-301", "Air compressor", "compressor", "PH")
    + machine("FIL-12", "Filler 1", "filler", "HALL", "L1")
    + machine("FIL-22", "Filler 2", "filler", "HALL", "L2")
    + machine("LBL-24", "Labeller 2", "labeller", "HALL", "L2")
)
RESOLVER = Resolver(SITE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P-101", "P-101"),
        ("p101", "P-101"),
        ("p 101", "P-101"),
        ("pump 101", "P-101"),
        ("p one oh one", "P-101"),
        ("the feed pump A", "P-101"),
        ("feed pump b", "P-102"),
        ("syrup pump", "P-203"),
        ("syrop pump", "P-203"),
        ("compressor", "C-301"),
        ("the compresor", "C-301"),
        ("air compressor C-301", "C-301"),
        ("filler 1", "FIL-12"),
        ("filler one", "FIL-12"),
        ("line 2 filler", "FIL-22"),
        ("labeler 2", "LBL-24"),
        ("labeller", "LBL-24"),
        ("Filler 2 FIL-22", "FIL-22"),
    ],
)
def test_loose_names_find_their_asset(text: str, expected: str):
    assert RESOLVER.asset(text).id == expected


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("feed pump", {"P-101", "P-102"}),
        ("pump", {"P-101", "P-102", "P-203"}),
        ("filler", {"FIL-12", "FIL-22"}),
    ],
)
def test_an_ambiguous_name_is_asked_back(text: str, offered: set[str]):
    with pytest.raises(Retry, match="Which asset") as caught:
        RESOLVER.asset(text)
    assert {c.key for c in caught.value.candidates} == offered


@pytest.mark.parametrize(
    "text", ["P-110", "P-1011", "P-999", "filler 3", "reactor", "pump 7", "xyzzy", "!!!", "feed"]
)
def test_an_unknown_machine_is_never_another_one(text: str):
    with pytest.raises(Retry):
        RESOLVER.asset(text)


def test_signals_by_part_of_their_name():
    pump = SITE.assets["P-101"]
    assert RESOLVER.signal(pump, "bearing temp").name == "DE bearing temperature"
    assert RESOLVER.signal(pump, "amps").name == "motor current"
    assert RESOLVER.signal(pump, "suction").name == "suction pressure"
    names = [s.name for s in RESOLVER.signals(pump, "pressure")]
    assert names == ["suction pressure", "discharge pressure"]
    with pytest.raises(Retry, match="Which signal of P-101"):
        RESOLVER.signal(pump, "pressure")
    with pytest.raises(Retry, match="no signal of P-101 'vibration'.*suction pressure"):
        RESOLVER.signal(pump, "vibration")


def test_groups_lines_and_areas():
    assert [a.id for a in RESOLVER.assets("pumps")] == ["P-101", "P-102", "P-203"]
    assert [a.id for a in RESOLVER.assets("filling hall")] == [
        "P-203", "FIL-12", "FIL-22", "LBL-24",
    ]  # fmt: skip
    assert [a.id for a in RESOLVER.assets("line 2")] == ["FIL-22", "LBL-24"]
    assert RESOLVER.line("l 2").id == "L2"
    assert RESOLVER.area("the pump house").id == "PH"
    with pytest.raises(Retry, match="Line 1.*Line 2"):
        RESOLVER.line("line 9")


@given(st.text(max_size=60))
def test_any_text_is_answered_or_asked_back(text: str):
    try:
        found = RESOLVER.asset(text).id
    except Retry as asked:
        found = str(asked)
    assert found in SITE.assets or "I know no asset" in found or "Which asset" in found


@given(st.sampled_from(sorted(SITE.assets)), st.sampled_from("0123456789"), st.data())
def test_a_changed_digit_never_finds_another_asset(key: str, digit: str, data: st.DataObject):
    places = [i for i, letter in enumerate(key) if letter.isdigit()]
    place = data.draw(st.sampled_from(places))
    changed = key[:place] + digit + key[place + 1 :]
    try:
        assert RESOLVER.asset(changed).id == changed
    except Retry:
        assert changed not in SITE.assets
