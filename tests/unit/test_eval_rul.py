import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_evals.rul import run
from copilot_evals.rul_files import NotCmapss, read_subsets
from copilot_evals.rul_scores import Alarm, Cuts, bootstrap, covered, phm08, rmse
from copilot_tools.models.remaining_life.ensemble import Effort

LITTLE = Effort(networks=1, trees=25, rate=0.15)
TEST_KEYS = {
    "rmse_capped",
    "rmse_capped_low",
    "rmse_capped_high",
    "phm08",
    "rmse_raw",
    "phm08_raw",
    "rmse_no_age",
    "coverage_80",
    "alarm_precision",
    "alarm_recall",
}


def rows(unit: int, cycles: int, shown: int | None = None) -> list[list[float]]:
    """The first rows of a life that ends by wear, as C-MAPSS writes them."""
    random = np.random.default_rng(unit)
    wear = np.exp(-np.arange(cycles - 1, -1, -1) / 25)
    sensors = 500 + random.normal(0, 1, (cycles, 21)) + 12 * wear[:, None] * (np.arange(21) % 3)
    settings = random.normal(0, 0.001, (cycles, 3))
    whole = np.column_stack([np.full(cycles, unit), np.arange(1, cycles + 1), settings, sensors])
    return whole[:shown].tolist()


def write(file: Path, lives: list[list[list[float]]]) -> None:
    lines = (" ".join(f"{value:g}" for value in row) + "  " for life in lives for row in life)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A subset of eight whole lives and three that are cut short."""
    lengths = [100 + 5 * unit for unit in range(1, 9)]
    write(tmp_path / "train_FD001.txt", [rows(u, n) for u, n in enumerate(lengths, 1)])
    write(tmp_path / "test_FD001.txt", [rows(u, 110, 110 - 20 * u) for u in (1, 2, 3)])
    (tmp_path / "RUL_FD001.txt").write_text("20 \n40 \n60 \n", encoding="utf-8")
    return tmp_path


def test_a_subset_is_measured_by_the_keys_that_are_promised(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(folder, as_json=True, effort=LITTLE) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == ["FD001"]
    found = figures["FD001"]
    assert {"oof_rmse", "fit_s", "inference_ms", "model_mb", *TEST_KEYS} <= set(found)
    assert found["rmse_capped_low"] <= found["rmse_capped"] <= found["rmse_capped_high"]
    assert found["oof_rmse"] < found["oof_rmse_age_alone"] + 5
    assert found["rmse_capped"] < 25
    assert found["rmse_capped"] == found["rmse_raw"]  # No label is above the cap here.


def test_without_test_files_there_are_no_figures_of_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    for kind in ("test", "RUL"):
        (folder / f"{kind}_FD001.txt").unlink()
    assert run(folder, oof=False, as_json=True, effort=LITTLE) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["FD001"]
    assert not TEST_KEYS & set(found)
    assert "oof_rmse" not in found


def test_files_are_read_as_they_are_written(folder: Path):
    (subset,) = read_subsets(folder)
    assert [len(life) for life in subset.train] == [105, 110, 115, 120, 125, 130, 135, 140]
    assert [len(life) for life in subset.test] == [90, 70, 50]
    assert subset.left.tolist() == [20, 40, 60]
    assert subset.train[2].sensors[4, 7] == pytest.approx(rows(3, 115)[4][12], rel=1e-4)
    assert all(life.failed for life in subset.train)
    assert not any(life.failed for life in subset.test)


@pytest.mark.parametrize(
    ("file", "spoil", "said"),
    [
        ("train_FD001.txt", lambda text: "", "train_FD001.txt is empty"),
        ("train_FD001.txt", lambda text: text[:-30], "line 980: 2. columns where 26 are due"),
        ("train_FD001.txt", lambda text: text.replace("1 2 ", "1 two ", 1), "line 2: something"),
        ("train_FD001.txt", lambda text: text.replace("1 2 ", "1 nan ", 1), "line 2: a number"),
        ("train_FD001.txt", lambda text: "\x00\xff" + text, "line 1: something that is not a"),
        ("test_FD001.txt", lambda text: text.split("\n", 1)[1], "line 1: cycle 2 of unit 1 where"),
        ("train_FD001.txt", lambda text: "\n".join(text.split("\n")[105:]), "unit 2 where 1 is"),
        ("RUL_FD001.txt", lambda text: "20\n40\n", "has 2 lines, test_FD001.txt 3 units"),
        ("RUL_FD001.txt", lambda text: "20\n-4\n60\n", "line 2: -4 cycles left"),
    ],
)
def test_a_spoilt_file_is_named_with_the_line(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, spoil, said: str
):
    text = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(spoil(text), encoding="utf-8")
    assert run(folder) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("copilot: ")
    assert printed.count("\n") == 1
    assert file in printed
    assert re.search(said, printed)


def test_what_is_not_there_is_said(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    with pytest.raises(NotCmapss, match="there is no subset 'FD009'; there are FD001"):
        read_subsets(folder, ["FD009"])
    with pytest.raises(NotCmapss, match=r"train_FD002.txt cannot be read: No such file"):
        read_subsets(folder, ["FD002"])
    with pytest.raises(NotCmapss, match="holds no train_FD00x.txt"):
        read_subsets(tmp_path_factory.mktemp("empty"))
    (folder / "RUL_FD001.txt").unlink()
    with pytest.raises(NotCmapss, match="test_FD001.txt needs RUL_FD001.txt"):
        read_subsets(folder)


def test_late_answers_cost_more_than_early_ones():
    truth = np.array([50.0])
    assert phm08(truth, truth) == 0
    assert phm08(truth + 10, truth) == pytest.approx(np.e - 1)
    assert phm08(truth - 13, truth) == pytest.approx(np.e - 1)
    both = np.array([50.0, 50.0])
    assert phm08(both + 10, both) == pytest.approx(2 * (np.e - 1))  # A sum, no mean.


@given(st.lists(st.floats(0, 125), min_size=2, max_size=30), st.integers(0, 99))
def test_the_bootstrap_interval_holds_the_figure_of_equal_errors(values: list[float], seed: int):
    truth = np.array(values)
    low, high = bootstrap(truth + 3, truth, seed)
    assert low == pytest.approx(3)
    assert high == pytest.approx(3)
    assert rmse(truth + 3, truth) == pytest.approx(3)


def test_alarms_are_counted_by_weight():
    told, truth = np.array([10.0, 20, 40, 90]), np.array([12.0, 50, 25, 95])
    assert Alarm.of(told, truth) == Alarm(0.5, 0.5)
    weighted = Alarm.of(told, truth, np.array([3.0, 1, 1, 1]))
    assert weighted == Alarm(0.75, 0.75)
    assert np.isnan(Alarm.of(told + 90, truth).precision)


def test_cuts_lie_between_25_cycles_and_150_before_the_end():
    cuts = Cuts.of([20, 60, 300])
    places = cuts.places
    assert len(places[0]) == 0
    assert (places[1][0], places[1][-1]) == (24, 59)
    assert (places[2][0], places[2][-1]) == (149, 299)
    assert cuts.weights.sum() == pytest.approx(2)  # One for each unit that has cuts.
    courses = [np.arange(float(n))[::-1] for n in (20, 60, 300)]
    truth = cuts.of_courses(courses)
    assert truth.tolist() == cuts.actual.tolist()
    assert cuts.rmse(np.minimum(truth, 125)) == 0
    assert all(a < b for a, b in pairwise(places[2].tolist()))


def test_half_a_cycle_is_allowed_above_an_interval():
    ends = covered(np.array([1.0, 1, 1]), np.array([2.0, 2, 2]), np.array([2.4, 2.6, 0.9]))
    assert ends.tolist() == [True, False, False]
