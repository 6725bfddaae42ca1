"""What `copilot health train` does: which models, from what, with progress."""

import getpass
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from copilot.demo.progress import Step, shown_progress
from copilot.health.csv_lives import read_lives
from copilot.health.drift import watch_drift
from copilot.health.lives import like_parts
from copilot.health.promotion import objection
from copilot.health.work import Made, train_behaviour, train_gathered, train_remaining_life
from copilot.health.workshop import Workshop
from copilot_tools.course import ordered_signals
from copilot_tools.errors import Failed
from copilot_tools.models.registry.kinds import KIND_NAMES
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.registry import Key

WAIT = timedelta(days=7)
"""For so long a version that runs along is waited for before another is made."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for on the command line."""

    kind: str
    assets: tuple[str, ...]
    every: bool
    folder: Path | None
    scope: str
    cycle_hours: float
    if_needed: bool
    promote: bool


def run_training(shop: Workshop, wish: Wish) -> list[Made]:
    """Train what was wished for; raises Failed where that is not clear."""
    if wish.kind not in KIND_NAMES:
        there = " and ".join(KIND_NAMES)
        raise Failed(f"there is no kind of model {wish.kind!r}; there are {there}")
    if not (wish.assets or wish.every or wish.folder):
        raise Failed("name machines, or --all, or a folder of csv files with --from")
    with shown_progress() as step:
        made = list(_train(shop, wish, step))
    return [_promoted(shop, one) for one in made] if wish.promote else made


def _train(shop: Workshop, wish: Wish, step: Step) -> list[Made]:
    if wish.folder is not None:
        if wish.kind != "remaining-life" or not wish.scope:
            raise Failed('--from trains remaining-life and needs --scope, like "pump/bearing"')
        lives = read_lives(wish.folder, wish.scope, wish.cycle_hours)
        return list(train_gathered(shop, [lives], step))
    chosen = shop.assets(list(wish.assets))
    assets = [asset.id for asset in chosen if wish.assets or ordered_signals(asset)]
    if wish.kind == "behaviour":
        needed, waiting = _needed(shop, wish, assets)
        return [*waiting, *train_behaviour(shop, needed, step)]
    scopes = list(like_parts(shop.plant.site, None if wish.every else assets))
    if not scopes:
        raise Failed("none of these machines has components in the plant model")
    needed, waiting = _needed(shop, wish, scopes)
    return [*waiting, *train_remaining_life(shop, needed, step)]


def _needed(shop: Workshop, wish: Wish, scopes: list[str]) -> tuple[list[str], list[Made]]:
    """All scopes, or with --if-needed those with no version in use, or one that is due.

    Where one made of late runs along, that is the answer, and none is made day after day.
    """
    if not wish.if_needed:
        return scopes, []
    needed, waiting = [], []
    for scope in scopes:
        key = Key(wish.kind, scope)
        report = watch_drift(shop, key)
        if report.version is None or report.due:
            made = _made_of_late(shop, key)
            waiting += [made] if made else []
            needed += [] if made else [scope]
    return needed, waiting


def _made_of_late(shop: Workshop, key: Key) -> Made | None:
    try:
        shadow = shop.registry.pointer(key).shadow
        manifest = shop.registry.manifest(key, shadow) if shadow else None
    except Unusable:
        return None
    if manifest is None or shop.plant.now() - manifest.created > WAIT:
        return None
    return Made(key, manifest, f"runs along already, since {manifest.created:%Y-%m-%d}")


def _promoted(shop: Workshop, made: Made) -> Made:
    """The same, in use where its back-test allows it; `why` says which."""
    if made.manifest is None:
        return made
    version = made.manifest.version
    if why := objection(shop.registry, made.key, version):
        return replace(made, why=f"runs along and was not promoted: {why}")
    reason = "trained with --promote"
    shop.registry.promote(made.key, version, shop.plant.now(), getpass.getuser(), reason)
    return replace(made, why="in use")
