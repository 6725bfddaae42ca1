"""What the network learns from pictures besides its filters: kinds of parts, places, good, classes.

Rows are pictures. `features` are those of the graph: 32 x 32 cells of each channel, then mean and
spread of each channel.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.vision.filters import Weights
from copilot_tools.vision.network import CELLS, REACH, Goodness, Head, Placing

Numbers: TypeAlias = NDArray[np.intp]

MOST_KINDS = 5
PRINCIPAL = 3
APART, BETTER = 0.5, 0.02
"""Silhouette from which good parts count as of several kinds (Rousseeuw 1987), of one more kind."""
MIXED = 10
CHOSEN = 8000
KEPT = 800
BASIS = 2000
STRENGTH = 1.0
BLOCK = 4096
_PLACES = CELLS * CELLS


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of parts by what their pictures consist of, wherever it stands.

    `axes` (summary x few) lead to the few numbers in which the `centres` of the kinds stand apart.
    """

    middle: Weights
    axes: Weights
    centres: Weights

    def of(self, summaries: Weights) -> Numbers:
        """The kind of each picture."""
        seen = (summaries - self.middle) @ self.axes
        far = ((seen[:, np.newaxis] - self.centres) ** 2).sum(axis=2)
        return np.asarray(far.argmin(axis=1))


def find_kinds(summaries: Weights, seed: int) -> Kinds:
    """The kinds that good parts fall into: as few as stand well apart, else one."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    middle, spread = summaries.mean(axis=0), summaries.std(axis=0) + 1e-6
    scaled = (summaries - middle) / spread
    # In a hundred numbers the scatter of all of them hides how far apart kinds stand in a few.
    principal = np.linalg.svd(scaled, full_matrices=False)[2][:PRINCIPAL].T
    seen = scaled @ principal
    best, centres = APART, np.zeros((1, seen.shape[1]))
    for number in range(2, min(MOST_KINDS, len(seen) // 10) + 1):
        found = KMeans(number, n_init=3, random_state=seed).fit(seen)
        held = np.bincount(found.labels_, minlength=number).min() >= 10
        score = silhouette_score(seen, found.labels_) if held else 0.0
        if score > best + (BETTER if len(centres) > 1 else 0.0):
            best, centres = score, found.cluster_centers_
    axes = principal / spread[:, np.newaxis]
    return Kinds(middle, axes.astype(np.float32), centres.astype(np.float32))


def find_places(columns: Weights, rows: Weights, kinds: Numbers) -> Placing:
    """The usual profiles of good parts of each kind, once they are shifted onto each other."""
    return Placing(_usual_profiles(columns, kinds), _usual_profiles(rows, kinds))


def _usual_profiles(profiles: Weights, kinds: Numbers, rounds: int = 5) -> Weights:
    usual = []
    for kind in range(int(kinds.max()) + 1):
        own = profiles[kinds == kind]
        template = _unit(own.mean(axis=0))
        for _ in range(rounds):
            template = _unit(np.mean([_shifted(row, template) for row in own], axis=0))
        usual.append(template)
    return np.array(usual, dtype=np.float32)


def _shifted(row: Weights, template: Weights) -> Weights:
    fit = np.correlate(np.pad(row, REACH), template, mode="valid")
    return np.roll(row, REACH - int(fit.argmax()))


def _unit(row: Weights) -> Weights:
    centred = row - row.mean()
    return np.asarray(centred / (np.linalg.norm(centred) + 1e-9))


def describe_good(features: Weights, kinds: Numbers) -> Goodness:
    """Means and shrunk precisions of the cells of good parts, by kind (PaDiM, Defard 2020)."""
    channels = _channels(features)
    cells = features[:, : channels * _PLACES].reshape(len(features), channels, _PLACES)
    cells = cells.astype(np.float32)
    within = np.concatenate([_around_mean(cells[kinds == kind]) for kind in np.unique(kinds)])
    axes = np.linalg.eigh(_second_moment(within.transpose(0, 2, 1).reshape(-1, channels)))[1]
    mixing = axes[:, ::-1][:, :MIXED].T
    centres, whitening = [], []
    for kind in range(int(kinds.max()) + 1):
        own = np.einsum("nck,mc->knm", cells[kinds == kind], mixing)
        centres.append(own.mean(axis=1, keepdims=True))
        whitening.append(_whitening(own - centres[-1]))
    return Goodness(
        mixing.astype(np.float32),
        np.array(centres, dtype=np.float32),
        np.array(whitening, dtype=np.float32),
    )


def _around_mean(cells: Weights) -> Weights:
    return np.asarray(cells - cells.mean(axis=0))


def _second_moment(rows: Weights) -> NDArray[np.float64]:
    return np.asarray(rows.T @ rows / len(rows), dtype=np.float64)


def _whitening(apart: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inverse roots of the covariance of each cell, shrunk towards the mean of all cells."""
    own = np.einsum("knm,knl->kml", apart, apart) / apart.shape[1]
    shrink = min(1.0, 2.0 * apart.shape[2] / apart.shape[1])
    mean = own.mean(axis=0)
    shrunk = (1 - shrink) * own + shrink * mean + 0.05 * np.diag(np.diag(mean)) + 1e-8
    spread, axes = np.linalg.eigh(shrunk)
    return np.asarray(axes / np.sqrt(np.maximum(spread, 1e-9))[:, np.newaxis, :])


def learn_classes(
    features: Weights, classes: Numbers, kinds: Numbers, seed: int, anywhere: bool = False
) -> Head:
    """A linear head on the features that tell classes apart within a kind of part.

    Logistic regression on their principal components, written back onto the features. With
    `anywhere` only on those that are the same wherever something is: for textures.
    """
    from sklearn.linear_model import LogisticRegression

    telling = _how_telling(features, classes, kinds)
    first = _PLACES * _channels(features) if anywhere else 0
    chosen = first + np.sort(np.argsort(telling[first:])[-CHOSEN:])
    rows = features[:, chosen].astype(np.float32)
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = spread + 0.1 * float(spread.mean()) + 1e-6
    rows = (rows - middle) / spread
    draw = np.random.default_rng(seed)
    basis = rows[draw.permutation(len(rows))[:BASIS]]
    power, axes = np.linalg.eigh((basis @ basis.T).astype(np.float64))
    kept = power > power[-1] * 1e-9
    kept[:-KEPT] = False
    components = basis.T @ (axes[:, kept] / np.sqrt(power[kept])).astype(np.float32)
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    fitted.fit(rows @ components, classes)
    slopes, bias = fitted.coef_.T, fitted.intercept_
    if len(fitted.classes_) == 2:
        slopes = np.hstack([-slopes / 2, slopes / 2])
        bias = np.hstack([-bias / 2, bias / 2])
    weights = (components @ slopes) / spread[:, np.newaxis]
    weights = weights.astype(np.float16).astype(np.float32)
    bias = bias - middle @ weights
    return Head(chosen.astype(np.int32), weights, bias.astype(np.float32))


def _how_telling(features: Weights, classes: Numbers, kinds: Numbers) -> Weights:
    """The largest squared distance of a class from its kind's mean, in standard errors."""
    blocks = np.array_split(np.arange(features.shape[1]), features.shape[1] // BLOCK + 1)
    return np.concatenate([_block_telling(features[:, b], classes, kinds) for b in blocks])


def _block_telling(features: Weights, classes: Numbers, kinds: Numbers) -> Weights:
    best = np.zeros(features.shape[1], dtype=np.float32)
    for kind in np.unique(kinds):
        own = features[kinds == kind].astype(np.float32)
        middle, spread = own.mean(axis=0), own.std(axis=0)
        spread = spread + 0.1 * float(spread.mean()) + 1e-6
        for one in np.unique(classes[kinds == kind]):
            rows = own[classes[kinds == kind] == one]
            apart = (rows.mean(axis=0) - middle) / spread
            best = np.maximum(best, apart * apart * len(rows))
    return best


def surprise(head: Head, features: Weights, classes: Numbers) -> float:
    """The mean negative log-likelihood that a head gives the classes of some pictures."""
    scores = features[:, head.chosen].astype(np.float32) @ head.weights + head.bias
    scores = scores - scores.max(axis=1, keepdims=True)
    right = scores[np.arange(len(classes)), classes]
    return float((np.log(np.exp(scores).sum(axis=1)) - right).mean())


def summaries_of(features: Weights) -> Weights:
    """The part of the features that is the same wherever a part stands: mean and spread."""
    return features[:, _channels(features) * _PLACES :].astype(np.float32)


def _channels(features: Weights) -> int:
    return int(features.shape[1]) // (_PLACES + 2)
