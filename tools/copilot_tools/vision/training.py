"""Trains a vision model on a folder of labelled pictures and says honestly how good it is.

A tenth of the pictures of each class sets the limits, a fifth is held out and only judged at the
end; the model is the one that was judged, not one trained again on everything. Parts that people
reviewed are the hard ones: they change neither limits nor that report, and are reported apart.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.vision.card import METADATA, Card, Reviewed
from copilot_tools.vision.filters import Weights, learn_filters
from copilot_tools.vision.folder import LabelledFile, LabelledFolder, read_labelled
from copilot_tools.vision.heldout import Limits, judge, set_limits
from copilot_tools.vision.learning import (
    Kinds,
    Numbers,
    describe_good,
    find_kinds,
    find_places,
    learn_classes,
    summaries_of,
    surprise,
)
from copilot_tools.vision.network import FEATURES, LIGHT, OUTPUTS, PROFILES, Parts, build
from copilot_tools.vision.pictures import SIDE, Pixels
from copilot_tools.vision.session import Session

Progress: TypeAlias = Callable[[str, float], None]

SETTING, HELD_OUT = 0.1, 0.2
FILTERS, FILTER_SIZE = 24, 5
FOR_FILTERS = 200
FOR_GOOD = 600
ENOUGH, MOST_COPIES = 3000, 2
"""Fewer pictures are shown again, shifted a little, up to so many copies of each."""
ASIDE = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as the content of its file, and what it says of itself."""

    content: bytes
    card: Card


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures to learn from, to set limits by, and to judge on; `reviewed` are judged apart."""

    fit: list[LabelledFile]
    setting: list[LabelledFile]
    held_out: list[LabelledFile]
    reviewed: list[LabelledFile]


def train(
    folder: LabelledFolder, name: str, seed: int = 0, progress: Progress | None = None
) -> Trained:
    """A model that tells the folder's classes apart; the same files and seed give the same one.

    Raises Failed that names a picture which cannot be read.
    """
    tell = progress or _silent
    split = split_files(folder, seed)
    parts = _learn(folder, split, seed, tell)
    network = build(parts, *OUTPUTS).SerializeToString()
    session = Session(network)
    tell("Setting limits", 0.0)
    limits = set_limits(session, folder, split.setting)
    tell("Judging pictures it never saw", 0.0)
    held_out = judge(session, folder, split.held_out, limits)
    reviewed = _judge_reviewed(session, folder, split, limits)
    tell("Judging pictures it never saw", 1.0)
    card = Card(
        name=name,
        version=hashlib.sha256(network).hexdigest()[:8],
        classes=folder.classes,
        good=folder.good,
        sure=limits.sure,
        limit=limits.limit,
        distances=limits.distances,
        data_sha256=_digest(folder),
        pictures={
            label: sum(file.label == label for file in folder.files) for label in folder.classes
        },
        held_out=held_out,
        reviewed=reviewed,
    )
    return Trained(with_card(network, card), card)


def _judge_reviewed(
    session: Session, folder: LabelledFolder, split: Split, limits: Limits
) -> Reviewed | None:
    """How the network does on reviewed parts that it never saw; None where nobody reviewed any."""
    learnt = sum(file.reviewed for file in split.fit)
    held_out = len(split.reviewed)
    if not learnt + held_out:
        return None
    accuracy = judge(session, folder, split.reviewed, limits).accuracy if held_out else 0.0
    return Reviewed(learnt=learnt, held_out=held_out, right=round(accuracy * held_out))


def with_card(network: bytes, card: Card) -> bytes:
    """A network's file with what it says of itself in its metadata."""
    import onnx

    model = onnx.load_model_from_string(network)
    onnx.helper.set_model_props(model, {METADATA: card.model_dump_json()})
    content: bytes = model.SerializeToString()
    return content


def _learn(folder: LabelledFolder, split: Split, seed: int, tell: Progress) -> Parts:
    """All that the network learns; which head it has, the setting pictures decide."""
    files = split.fit
    draw = np.random.default_rng(seed)
    some = [files[i] for i in draw.permutation(len(files))[:FOR_FILTERS]]
    light = _answers(Parts(), (LIGHT,), some, tell, "Learning filters")[0]
    parts = Parts(learn_filters(light[:, 0], FILTER_SIZE, FILTERS, seed))
    good = [file for file in files if folder.good in ("", file.label)]
    good = [good[i] for i in draw.permutation(len(good))[:FOR_GOOD]]
    kinds, parts = _place(parts, good, seed, tell)
    shown = _show(parts, files, seed, tell)
    of_kind = kinds.of(summaries_of(shown[0]))
    numbers = {file: index for index, file in enumerate(files)}
    reference = np.array([numbers[file] for file in good])
    tell("Learning what good parts look like", 0.0)
    # Where good parts are few, copies tell how much a cell differs by where exactly a part stands.
    looks = np.concatenate([rows[reference] for rows in shown])[:FOR_GOOD]
    goodness = describe_good(looks, np.resize(of_kind[reference], len(looks)))
    tell("Learning the classes", 0.0)
    rows, times = np.concatenate(shown), len(shown)
    classes, kind = np.tile(_classes(folder, files), times), np.tile(of_kind, times)
    heads = [learn_classes(rows, classes, kind, seed, anywhere) for anywhere in (False, True)]
    others = _answers(parts, (FEATURES,), split.setting, tell, "Choosing a head")[0][:, 0]
    labels = _classes(folder, split.setting)
    head = min(heads, key=lambda head: surprise(head, others, labels))
    return Parts(parts.filters, parts.placing, goodness, head)


def _show(
    parts: Parts, files: Sequence[LabelledFile], seed: int, tell: Progress
) -> list[NDArray[np.floating]]:
    """Features of all pictures, and where these are few those of copies that stand a little aside.

    A copy has the rows of the pictures in the same order.
    """
    shown = [_answers(parts, (FEATURES,), files, tell, "Looking at every picture")[0][:, 0]]
    for copy in range(min(MOST_COPIES, ENOUGH // len(files))):
        aside = np.random.default_rng((seed, copy))
        step = f"Looking again ({copy + 1})"
        shown.append(_answers(parts, (FEATURES,), files, tell, step, aside)[0][:, 0])
    return shown


def _classes(folder: LabelledFolder, files: Sequence[LabelledFile]) -> Numbers:
    """The number of each file's class."""
    return np.array([folder.classes.index(file.label) for file in files])


def _place(
    parts: Parts, good: list[LabelledFile], seed: int, tell: Progress
) -> tuple[Kinds, Parts]:
    """The kinds of good parts, and where each usually stands."""
    names = (FEATURES, *PROFILES)
    features, columns, rows = _answers(parts, names, good, tell, "Finding where parts stand")
    summaries = summaries_of(features[:, 0])
    kinds = find_kinds(summaries, seed)
    placing = find_places(
        columns[:, 0, 0].astype(np.float32), rows[:, 0, 0].astype(np.float32), kinds.of(summaries)
    )
    return kinds, Parts(parts.filters, placing)


def _answers(
    parts: Parts,
    names: tuple[str, ...],
    files: Sequence[LabelledFile],
    tell: Progress,
    step: str,
    aside: np.random.Generator | None = None,
) -> list[NDArray[np.floating]]:
    """Each named answer to all pictures, one row a picture; features in half precision.

    With `aside` the pictures are shifted by a few pixels.
    """
    session = Session(build(parts, *names).SerializeToString())
    rows: list[Weights] = []
    for number, file in enumerate(files):
        pixels = read_labelled(file).pixels
        answers = session.look(pixels if aside is None else _shifted(pixels, aside))
        for place, name in enumerate(names):
            answer = answers[name]
            if number == 0:
                kind = np.float16 if name == FEATURES else np.float32
                rows.append(np.empty((len(files), *answer.shape), dtype=kind))
            rows[place][number] = answer
        if number % 20 == 0:
            tell(step, number / len(files))
    tell(step, 1.0)
    return list(rows)


def _shifted(pixels: Pixels, draw: np.random.Generator) -> Pixels:
    down, right = draw.integers(0, 2 * ASIDE + 1, 2)
    wide = np.pad(pixels, ((ASIDE, ASIDE), (ASIDE, ASIDE), (0, 0)), mode="edge")
    return wide[down : down + SIDE, right : right + SIDE]


def split_files(folder: LabelledFolder, seed: int) -> Split:
    """Fit, setting and held-out pictures, the same shares of each class.

    Reviewed parts leave the split of the others as it is. By their content a fifth of them is
    held out: the same ones at every training, however many come later.
    """
    split = Split([], [], [], [])
    for position, label in enumerate(folder.classes):
        draw = np.random.default_rng((seed, position))
        files = [file for file in folder.files if file.label == label and not file.reviewed]
        shuffled = [files[i] for i in draw.permutation(len(files))]
        held = max(round(HELD_OUT * len(files)), 1)
        setting = max(round(SETTING * len(files)), 1)
        split.held_out.extend(shuffled[:held])
        split.setting.extend(shuffled[held : held + setting])
        split.fit.extend(shuffled[held + setting :])
    for file in folder.files:
        if file.reviewed:
            (split.reviewed if _always_held_out(file) else split.fit).append(file)
    return split


def _always_held_out(file: LabelledFile) -> bool:
    return int(hashlib.sha256(file.path.read_bytes()).hexdigest()[-8:], 16) < HELD_OUT * 2**32


def _digest(folder: LabelledFolder) -> str:
    """The SHA-256 of all labels and pictures."""
    whole = hashlib.sha256()
    for file in folder.files:
        whole.update(f"{file.label}\n".encode())
        whole.update(hashlib.sha256(file.path.read_bytes()).digest())
    return whole.hexdigest()


def _silent(step: str, share: float) -> None:
    """Progress for nobody."""
