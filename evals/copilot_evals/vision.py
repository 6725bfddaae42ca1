"""`copilot eval vision`: how well labelled pictures are sorted, how fast, and bursts explained.

Without a folder: bottles rendered as the demo line's cameras see them. The model is the one that
`copilot station train` makes of the same pictures; a fifth of them it never sees.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from copilot.demo.progress import Step, shown_progress
from copilot_evals import report
from copilot_evals.vision_boxes import Around, judge_boxes
from copilot_evals.vision_bursts import CASES, run_cases, run_quiet
from copilot_tools.vision.card import HeldOut
from copilot_tools.vision.filters import Weights
from copilot_tools.vision.folder import LabelledFile, LabelledFolder, find_labelled, read_labelled
from copilot_tools.vision.model import VisionModel
from copilot_tools.vision.network import OUTPUTS
from copilot_tools.vision.session import Session
from copilot_tools.vision.training import split_files, train

ROUNDS = 300
SMALL = 32
EACH, GOOD = 60, 130


@dataclass(frozen=True, slots=True)
class Baselines:
    """Held-out accuracies (0..1) of answering the largest class, and the nearest class mean."""

    majority: float
    nearest_mean: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds for a picture by the clock, median and 95th percentile; `worked` is of the core.

    Others who share the core do not lengthen that median.
    """

    median: float
    slow: float
    worked: float


@dataclass(frozen=True, slots=True)
class Bursts:
    """Of so many planted bursts and quiet stretches: named, told where there was none."""

    asked: int
    named: int
    missed: list[str]
    false: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All that is told; no bursts where none were asked for, no boxes where places are unknown."""

    held_out: HeldOut
    baselines: Baselines
    pace: Pace
    size_mb: float
    around: dict[str, Around]
    bursts: Bursts | None


def run(folder: Path | None, *, bursts: int = CASES, as_json: bool = False) -> int:
    """Print what was measured; 0."""
    with ExitStack() as stack:
        step = stack.enter_context(shown_progress())
        pictures = folder or _render_bottles(Path(stack.enter_context(TemporaryDirectory())), step)
        labelled = find_labelled(pictures)
        trained = train(labelled, "eval", progress=step)
        measured = Measured(
            held_out=trained.card.held_out,
            baselines=judge_baselines(labelled),
            pace=time_network(trained.content, labelled.files[:20]),
            size_mb=len(trained.content) / 1e6,
            around={} if folder else judge_boxes(VisionModel(trained.content)),
            bursts=_judge_bursts(bursts) if bursts and not folder else None,
        )
    _print(measured, labelled)
    if as_json:
        report.print_json(_figures(measured))
    return 0


def _render_bottles(folder: Path, step: Step) -> Path:
    """The folder, with bottles of the demo line in it."""
    from copilot.demo.bottle_eye import draw_pictures

    step("Rendering bottles", 0.0)
    draw_pictures(folder, EACH, GOOD, first=500_000)
    step("Rendering bottles", 1.0)
    return folder


def _judge_bursts(asked: int) -> Bursts:
    named, missed = run_cases(asked)
    return Bursts(asked, named, missed, run_quiet(asked))


def _figures(measured: Measured) -> dict[str, object]:
    """What was measured, by the names that it is compared by."""
    held_out, baselines, pace = measured.held_out, measured.baselines, measured.pace
    around, bursts = measured.around, measured.bursts
    return {
        "accuracy": held_out.accuracy,
        "recall": held_out.recall,
        "recall_min": min(held_out.recall.values()),
        "ms_p50": round(pace.median, 3),
        "ms_p95": round(pace.slow, 3),
        "ms_core_p50": round(pace.worked, 3),
        "burst_named": round(bursts.named / bursts.asked, 4) if bursts else None,
        "burst_false": round(bursts.false / bursts.asked, 4) if bursts else None,
        "model_mb": round(measured.size_mb, 3),
        "baseline_accuracy": round(max(baselines.majority, baselines.nearest_mean), 4),
        "held_out": held_out.pictures,
        "boxes": {name: each.held for name, each in around.items()} or None,
        "boxes_min": min((each.held for each in around.values()), default=None),
        "box_overlap": {name: each.overlap for name, each in around.items()} or None,
    }


def time_network(content: bytes, files: Sequence[LabelledFile]) -> Pace:
    """How long the network takes for a picture on one core."""
    session = Session(content)
    assert set(session.outputs) == set(OUTPUTS)
    shown = [read_labelled(file).pixels for file in files]
    for pixels in shown:
        session.look(pixels)
    taken, worked = [], []
    for number in range(ROUNDS):
        begun, working = perf_counter(), process_time()
        session.look(shown[number % len(shown)])
        taken.append(1000 * (perf_counter() - begun))
        worked.append(1000 * (process_time() - working))
    median, slow = np.percentile(taken, [50, 95])
    return Pace(float(median), float(slow), float(np.median(worked)))


def judge_baselines(labelled: LabelledFolder, seed: int = 0) -> Baselines:
    """What needs no model: the largest class, and the nearest mean of small raw pictures."""
    split = split_files(labelled, seed)
    fit, held_out = split.fit + split.setting, split.held_out
    labels = [file.label for file in fit]
    largest = max(labelled.classes, key=labels.count)
    small = np.array([_shrunk(file) for file in fit])
    means = np.array([small[np.array(labels) == label].mean(axis=0) for label in labelled.classes])
    right = [
        labelled.classes[int(((means - _shrunk(file)) ** 2).sum(axis=1).argmin())] == file.label
        for file in held_out
    ]
    majority = sum(file.label == largest for file in held_out) / len(held_out)
    return Baselines(majority, float(np.mean(right)))


def _shrunk(file: LabelledFile) -> Weights:
    pixels = read_labelled(file).pixels.astype(np.float32)
    step = pixels.shape[0] // SMALL
    return np.asarray(pixels.reshape(SMALL, step, SMALL, step, 3).mean(axis=(1, 3)).ravel())


def _print(measured: Measured, labelled: LabelledFolder) -> None:
    print(f"{report.machine()}, onnxruntime {version('onnxruntime')}, one thread")
    _print_classes(measured.held_out, labelled, measured.baselines)
    pace = measured.pace
    print(
        f"one picture: {pace.median:.2f} ms (p50), {pace.slow:.2f} ms (p95), {pace.worked:.2f} ms "
        f"(p50) of the core's time; model {measured.size_mb:.2f} MB"
    )
    if measured.around:
        _print_boxes(measured.around)
    if measured.bursts:
        _print_bursts(measured.bursts)


def _print_classes(held_out: HeldOut, labelled: LabelledFolder, baselines: Baselines) -> None:
    rows = [
        (
            label,
            str(sum(file.label == label for file in labelled.files)),
            f"{held_out.recall[label]:.1%}",
            f"{held_out.precision[label]:.1%}",
            ", ".join(f"{n} {other}" for other, n in held_out.confused[label].items()) or "-",
        )
        for label in labelled.classes
    ]
    report.print_table(
        f"{held_out.pictures} held-out pictures: accuracy {held_out.accuracy:.2%} "
        f"(largest class {baselines.majority:.1%}, nearest mean of raw pixels "
        f"{baselines.nearest_mean:.1%}); {held_out.reviewed:.1%} would go to a person",
        ("class", "pictures", "recall", "precision", "taken for"),
        rows,
    )


def _print_boxes(around: dict[str, Around]) -> None:
    rows = [
        (name, str(each.parts), f"{each.held:.0%}", f"{each.overlap:.2f}")
        for name, each in around.items()
    ]
    report.print_table(
        "Largest box of a part: holds the defect's centre and is below 3 times its area",
        ("class", "parts", "around it", "intersection over union"),
        rows,
    )


def _print_bursts(bursts: Bursts) -> None:
    for text in bursts.missed:
        print(f"burst missed: {text}")
    low, high = report.wilson(bursts.named, bursts.asked)
    print(
        f"bursts named with lot and signal: {bursts.named} of {bursts.asked} (95 % interval "
        f"{low:.0%} to {high:.0%}); told where there was none: {bursts.false} of {bursts.asked}"
    )
