from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.demo.simulate import PLANT_TOML
from copilot_tools.failure_modes import FILE, FailureMode, failure_modes, load_modes, parse_modes
from copilot_tools.site.load import SiteError, load_site, parse_site

SITE = parse_site(
    '[site]\nid = "x"\nname = "X"\ntime_zone = "UTC"\nnamespace = "u"\n'
    '[[shift]]\nname = "d"\nstart = 06:00:00\n[[area]]\nid = "A"\nname = "Hall"\n'
    '[[asset]]\nid = "PU-1"\nname = "Pump"\nkind = "pump"\narea = "A"\n'
    '[[asset.signal]]\nname = "flow"\nnode = "s=f"\n'
    '[[asset.signal]]\nname = "total flow"\nnode = "s=t"\n'
)
OWN = """\
[[mode]]
kinds = ["pump"]
name = "worn impeller or stator"
component = "impeller"
code = "LOO"
symptoms = ["flow"]
signs = [{ signal = "flow", moves = "down", weight = 3 }]
rules_out = "flow as usual at full speed"
next_check = "measure the head at closed valve"
remedy = "replace the impeller"
"""


@pytest.mark.parametrize("mode", failure_modes(), ids=lambda mode: f"{mode.kinds[0]}: {mode.name}")
def test_every_mode_can_be_told_checked_and_mended(mode: FailureMode):
    assert any(sign.weight >= 2 for sign in mode.signs)
    assert mode.symptoms
    assert mode.rules_out
    assert mode.next_check
    assert mode.remedy
    assert mode.procedure


@pytest.mark.parametrize("mode", failure_modes(), ids=lambda mode: f"{mode.kinds[0]}: {mode.name}")
def test_no_mode_speaks_for_and_against_itself(mode: FailureMode):
    favours = {(sign.words, sign.moves, sign.at) for sign in mode.signs}
    assert not favours & {(sign.words, sign.moves, sign.at) for sign in mode.contrary}


def test_every_kind_of_the_demo_plant_has_modes_that_its_machines_can_show():
    site = load_site(PLANT_TOML)
    for asset in site.assets.values():
        modes = [mode for mode in failure_modes() if asset.kind in mode.kinds]
        assert any(sign.signals(asset) for mode in modes for sign in mode.signs), asset.id


def test_a_signal_called_exactly_so_is_meant_alone():
    sign = parse_modes(OWN)[0].signs[0]
    assert [signal.name for signal in sign.signals(SITE.assets["PU-1"])] == ["flow"]


def test_without_a_file_of_the_site_ours_hold(tmp_path: Path):
    assert load_modes(tmp_path / FILE, SITE) == failure_modes()


def test_a_mode_of_the_site_replaces_ours_of_the_same_name(tmp_path: Path):
    (tmp_path / FILE).write_text(OWN, encoding="utf-8")
    modes = load_modes(tmp_path / FILE, SITE)
    assert len(modes) == len(failure_modes())
    named = [m for m in modes if m.name == "worn impeller or stator" and "pump" in m.kinds]
    assert [mode.next_check for mode in named] == ["measure the head at closed valve"]


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('moves = "down"', 'moves = "sideways"', 7, "Input should be 'up', 'down'"),
        ('code = "LOO"', 'code = "XYZ"', 5, "code"),
        ("weight = 3", "weight = -1", 7, "greater than 0"),
        ('remedy = "replace the impeller"', "", 1, "remedy: Field required"),
        ('kinds = ["pump"]', "kinds = []", 2, "at least 1 item"),
        ('"pump"', '"pump", "pumpp"', 2, "no machine here is a 'pumpp'; kinds here: pump"),
        (
            "weight = 3",
            "weight = 1",
            7,
            "never be named; give one sign a weight of 2",
        ),
        ('component = "impeller"', 'component = "impeller"\ncolour = "red"', 5, "Extra inputs"),
        ('signal = "flow"', 'signal = "humidity"', 7, "no pump here has any of its signals"),
        ("[[mode]]", "[[mode", 0, "not valid TOML"),
        ("[[mode]]", OWN + "[[mode]]", 13, "is there twice; rename one"),
    ],
)
def test_a_bad_file_is_told_in_one_line_that_names_the_place(
    tmp_path: Path, old: str, new: str, line: int, told: str
):
    file = tmp_path / FILE
    file.write_text(OWN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_modes(file, SITE)
    message = str(caught.value)
    assert message.startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert told in message
    assert "\n" not in message


def test_bytes_that_are_no_text_are_told(tmp_path: Path):
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteError, match="cannot be read as UTF-8"):
        load_modes(tmp_path / FILE, SITE)


@given(st.text(max_size=200))
def test_any_text_is_either_modes_or_one_clear_error(text: str):
    try:
        modes = parse_modes(text)
    except SiteError as error:
        assert str(error).startswith(FILE)
    else:
        assert modes
