import json
from pathlib import Path

import numpy as np
import pytest

from copilot_evals.anomaly import run
from copilot_evals.anomaly_files import NotSkab, read_runs
from copilot_evals.anomaly_scores import (
    FACTORS,
    count,
    find_events,
    rates,
    thresholds_from_others,
)
from copilot_tools.models.abnormality.episodes import Rule

HEADS = "datetime;pump;flow;heat;anomaly;changepoint"


def write_run(path: Path, seed: int, rows: int = 900, fault: tuple[int, int] = (600, 750)) -> None:
    """A file as in the benchmark: two signals that follow each other, one that is on its own."""
    random = np.random.default_rng(seed)
    load = random.normal(0, 1, rows)
    table = np.column_stack(
        [20 + load, 3 * load + random.normal(0, 0.3, rows), random.normal(70, 1, rows)]
    )
    table[fault[0] : fault[1], 1] += 4.0
    lines = [HEADS]
    for place, row in enumerate(table):
        label = float(fault[0] <= place < fault[1])
        time = f"2020-03-09 10:{place // 60 % 60:02d}:{place % 60:02d}"
        lines.append(";".join([time, *map(str, row), str(label), "0.0"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, name in enumerate(("valve1/0", "valve1/1", "other/3")):
        write_run(tmp_path / f"{name}.csv", place)
    free = (tmp_path / "valve1" / "1.csv").read_text(encoding="utf-8")
    plain = [line.rsplit(";", 2)[0] for line in free.splitlines()]
    (tmp_path / "anomaly-free").mkdir()
    (tmp_path / "anomaly-free" / "a.csv").write_text("\n".join(plain), encoding="utf-8")
    return tmp_path


def test_the_last_line_holds_all_figures(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["all"]["f1"] > 0.8
    assert figures["all"]["f1"] > figures["always"]["f1"]
    assert figures["valve1"].keys() >= {"f1", "far", "mar"}
    assert figures["other"].keys() >= {"f1", "far", "mar"}
    assert figures["fixed"]["factor"] == 2.4
    assert figures["isolation_forest"].keys() >= {"f1", "far", "mar"}
    assert figures["events"]["faults"] == figures["events"]["found"] == 3
    assert figures["tick_ms"] > 0
    assert figures["core_share_10k"] > 0
    assert "anomaly-free" not in figures


def test_a_folder_of_files_alone_will_do(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(folder / "valve1", speed=False, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["valve1"]["f1"] == figures["all"]["f1"]
    assert "tick_ms" not in figures


def test_neither_time_nor_labels_are_inputs(folder: Path):
    assert {one.rows.shape for one in read_runs(folder)} == {(900, 3)}
    assert [one.name for one in read_runs(folder)] == ["3", "0", "1"]
    assert all(one.truth.sum() == 150 for one in read_runs(folder))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "cannot be read"),
        ("datetime;pump;anomaly\nnow;much;0\n", "cannot be read"),
        ("datetime;pump;anomaly\nnow;1.5;0\n", "has 1 rows"),
        ("datetime,pump,anomaly\nnow,1.5,0\n", "no labelled file"),
    ],
)
def test_a_file_that_is_none_is_said_in_one_line(
    tmp_path: Path, content: str, why: str, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "0.csv").write_text(content, encoding="utf-8")
    with pytest.raises(NotSkab, match=why):
        read_runs(tmp_path)
    assert run(tmp_path) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("copilot: ")


def test_a_folder_that_is_none_is_said(tmp_path: Path):
    with pytest.raises(NotSkab, match="is no folder"):
        read_runs(tmp_path / "nowhere")


def test_counts_are_points_without_adjustment():
    truth = np.array([0, 0, 1, 1, 1, 0], dtype=bool)
    alarms = np.array([1, 0, 0, 1, 1, 0], dtype=bool)
    assert count(alarms, truth).tolist() == [2, 1, 1, 2]
    assert rates(count(alarms, truth)) == {"f1": 0.6667, "far": 33.33, "mar": 33.33}


def test_the_threshold_of_a_file_comes_from_the_others_alone():
    truth = np.array([False, True] * 50)
    low, high = np.where(truth, 2.0, 1.0), np.where(truth, 6.0, 5.0)
    first, *others = thresholds_from_others([low, high, high], [truth] * 3)
    assert 5.0 < first <= 6.0
    again, *_ = thresholds_from_others([low * 0.1, high, high], [~truth, truth, truth])
    assert again == first
    assert others == thresholds_from_others([low, high, high], [truth] * 3)[1:]
    assert thresholds_from_others([low], [truth]) == [Rule().factor]
    assert FACTORS[0] <= first <= FACTORS[-1]


def test_events_count_faults_delays_and_false_starts():
    scores, truth = np.ones(100), np.zeros(100, dtype=bool)
    truth[40:60] = truth[80:90] = True
    scores[45:60] = 9.0
    scores[10:15] = 9.0
    events = find_events([scores], [truth], Rule())
    assert (events.faults, events.found, events.delay_s, events.false_starts) == (2, 1, 5.0, 1)
