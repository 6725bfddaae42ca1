from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.health.csv_lives import read_lives
from copilot_tools.errors import Failed

HEAD = "unit,cycle,setting speed,oil temperature,vibration\n"


def rows(unit: int, count: int = 12, first: int = 1) -> str:
    lines = (f"{unit},{first + i},1450,{50 + i},{i / 10}\n" for i in range(count))
    return "".join(lines)


def test_lives_are_read_by_unit_in_the_order_of_their_cycles(tmp_path: Path):
    backwards = "".join(reversed(rows(1).splitlines(keepends=True)))
    (tmp_path / "a.csv").write_text(HEAD + backwards + rows(2, 15, first=40), "utf-8")
    (tmp_path / "b.csv").write_text("\ufeff" + HEAD + rows(1, 20) + rows(3, 4), "utf-8")
    lives = read_lives(tmp_path, "pump/bearing", 2.0)
    assert [life.unit for life in lives.lives] == ["a 1", "a 2", "b 1"]  # four cycles are too few
    assert [life.age_known for life in lives.lives] == [True, False, True]
    assert lives.schema.settings == ("speed",)
    assert lives.schema.sensors == ("oil temperature", "vibration")
    assert lives.schema.cycle_hours == 2.0
    first = lives.lives[0]
    assert np.array_equal(first.sensors[:, 0], 50.0 + np.arange(12))
    assert first.settings.shape == (12, 1)
    assert lives.failed == 3


def test_a_column_tells_which_did_not_fail_and_holes_stay_holes(tmp_path: Path):
    text = "unit,cycle,failed,vibration\n"
    text += "".join(f"1,{i},0,\n" if i == 3 else f"1,{i},0,2.5\n" for i in range(1, 12))
    (tmp_path / "a.csv").write_text(text + "".join(f"2,{i},1,3\n" for i in range(1, 12)), "utf-8")
    lives = read_lives(tmp_path, "pump/bearing", 1.0)
    assert [life.failed for life in lives.lives] == [False, True]
    assert np.isnan(lives.lives[0].sensors[2, 0])
    assert lives.schema.settings == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no csv file"),
        ("cycle,vibration\n1,2\n", "has no column 'unit'"),
        ("1,2,3\n1,2,3\n", "has no column 'unit'; its first row must name the columns"),
        ("unit,cycle,setting 1\n1,1,2\n", "has no column of a sensor"),
        ("unit,cycle,oil\n1,1,hot\n", "the column 'oil' holds something that is no number"),
        ("unit,cycle,oil\n1,1,3\n1,1,4\n", "missing its number or stands there twice"),
        ("unit,cycle,oil\n1,,3\n1,1,4\n", "missing its number or stands there twice"),
        ('unit,cycle,oil\n1,1,"3\n', "is no csv file"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_fault(tmp_path: Path, text: str, says: str):
    (tmp_path / "a.csv").write_text(text, "utf-8")
    with pytest.raises(Failed, match=says) as found:
        read_lives(tmp_path, "pump/bearing", 1.0)
    assert "a.csv" in str(found.value)
    assert "\n" not in str(found.value)


def test_files_with_other_columns_and_no_files(tmp_path: Path):
    with pytest.raises(Failed, match="there is no csv file here"):
        read_lives(tmp_path, "pump/bearing", 1.0)
    (tmp_path / "a.csv").write_text(HEAD + rows(1), "utf-8")
    (tmp_path / "b.csv").write_text("unit,cycle,oil\n1,1,3\n", "utf-8")
    with pytest.raises(Failed, match=r"b\.csv: its columns differ from those of a\.csv"):
        read_lives(tmp_path, "pump/bearing", 1.0)


@given(st.binary(max_size=120))
@settings(max_examples=60, deadline=None)
def test_garbage_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, garbage: bytes):
    folder = tmp_path_factory.mktemp("garbage")
    (folder / "a.csv").write_bytes(garbage)
    with pytest.raises(Failed) as found:
        read_lives(folder, "pump/bearing", 1.0)
    assert "\n" not in str(found.value)
