"""Opens a site's model and its sources, read-only: what the chat and the executor both look at."""

from collections.abc import Callable
from datetime import UTC, datetime

from copilot.settings import HistorySettings, OpcUaSettings, Settings
from copilot_knowledge.embedding.encoder import LazyEncoder
from copilot_knowledge.embedding.weights import NoWeights, find_weights
from copilot_knowledge.library import Library
from copilot_knowledge.shelf import Progress
from copilot_tools.failure_modes import FILE, load_modes
from copilot_tools.plant import Plant
from copilot_tools.site.load import load_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.history_sql import SqlHistory
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_alarms import OpcUaAlarms
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections, connect
from copilot_tools.sources.protocols import History


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def open_plant(settings: Settings, now: Callable[[], datetime] = utc_now) -> Plant:
    """The site's model and its sources; nothing is connected before it is asked.

    Raises SiteError for a plant model, or failure modes beside it, that cannot be used.
    """
    site = load_site(settings.plant)
    engine = connect(settings.database.plant)
    telemetry = _telemetry(settings.opcua)
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=telemetry,
        history=_history(settings.history),
        alarms=OpcUaAlarms(telemetry, site),
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, settings.images),
        library=open_library(settings),
        now=now,
        modes=load_modes(settings.plant.with_name(FILE), site),
    )


def open_library(
    settings: Settings, progress: Progress | None = None, *, look: bool = True, threads: int = 1
) -> Library:
    """The site's manuals, with all that is new in their folder taken in unless `look` is false.

    What they mean is compared too where the encoder is installed, with so many `threads`.
    """
    encoder: LazyEncoder | None = None
    notices: tuple[str, ...] = ()
    try:
        encoder = LazyEncoder(find_weights(), threads)
    except NoWeights as missing:
        notices = (f"manuals are searched by their words only: {missing}",)
    return Library.open(
        settings.manuals,
        settings.library_file,
        encoder,
        notices=notices,
        progress=progress,
        look=look,
    )


def _telemetry(opcua: OpcUaSettings) -> OpcUaTelemetry:
    password = opcua.password.get_secret_value() if opcua.password else None
    return OpcUaTelemetry(
        opcua.url, opcua.user, password, opcua.timeout_s, security=opcua.security()
    )


def _history(history: HistorySettings) -> History:
    if history.kind == "sql":
        return SqlHistory(connect(history.url))
    return ParquetHistory(history.path)
