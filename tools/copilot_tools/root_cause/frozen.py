"""Which readings stand still although their machine works, as those of frozen transmitters do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from copilot_tools.failure_modes import FailureMode
from copilot_tools.operation import is_running, motion_signal
from copilot_tools.plant import Plant
from copilot_tools.root_cause.neighbours import Neighbours
from copilot_tools.shifts import find_resting
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import to_arrays
from copilot_tools.windows import Period

USUAL_WORK = timedelta(days=12)


async def find_frozen(
    plant: Plant, near: Neighbours, modes: Sequence[FailureMode], period: Period
) -> dict[str, datetime]:
    """The signals that modes expect to stand still and that do, by id, and since when.

    What rests because its machine does is not among them: a tank that nothing flows into or out of
    keeps its level. Raises Unavailable.
    """
    owners = {
        signal.id: (asset, signal)
        for asset in near.assets
        for mode in modes
        if asset.kind in mode.kinds
        for sign in mode.signs
        if sign.moves == "still"
        for signal in sign.signals(asset)
    }
    resting = await find_resting(plant, [signal for _, signal in owners.values()], period)
    frozen: dict[str, datetime] = {}
    for key, since in resting.items():
        asset, _ = owners[key]
        alone = (replace(asset, signals=(signal,)) for signal in asset.signals if signal.id != key)
        work = [signal.id for one in alone if (signal := motion_signal(one))]
        found = await plant.history.read(work, period.end - USUAL_WORK, period.end)
        if not work or any(_works(found[signal], since) for signal in work):
            frozen[key] = since
    return frozen


def _works(samples: Samples, since: datetime) -> bool:
    """Has a signal that tells of work been as high as usual for most of the time since then?"""
    seconds, values = to_arrays(samples)
    rested = seconds >= since.timestamp()
    running = is_running(values[rested], values[~rested])
    return running.size > 0 and bool(running.mean() > 0.5)
