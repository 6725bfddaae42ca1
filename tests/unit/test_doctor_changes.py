from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk_fixture import SITE, SITE_TEXT
from sqlalchemy import Engine, insert

from copilot import db, tables
from copilot.approvals import switches
from copilot.cli.doctor_changes import check_changes
from copilot.settings import Settings, load_settings

CONFIG = """\
plant = "plant.toml"
[database]
own = "{own}"
[changes]
mode = "propose"
"""


def settings(folder: Path, own_url: str) -> Settings:
    (folder / "plant.toml").write_text(SITE_TEXT, encoding="utf-8")
    (folder / "copilot.toml").write_text(CONFIG.format(own=own_url), encoding="utf-8")
    return load_settings(folder / "copilot.toml")


def test_it_says_which_executor_works_and_who_stopped_it(
    own_engine: Engine, own_url: str, tmp_path: Path
):
    site = settings(tmp_path, own_url)
    assert ("executor", False, "none has ever run here") in said(site)
    now = datetime.now(UTC)
    lease = {"holder": "plant-1", "token": 1, "expires": db.stamp(now + timedelta(minutes=5))}
    with db.writing(own_engine) as connection:
        connection.execute(insert(tables.lease).values(name="executor", **lease))
        switches.stop(connection, "sara", "smoke", now)
    found = said(site)
    assert any(ok and "plant-1 works, lease until" in detail for _, ok, detail in found)
    assert ("kill switch", False, "stopped by sara: smoke") in found
    with db.writing(own_engine) as connection:
        connection.execute(tables.lease.update().values(expires=db.stamp(now)))
    assert ("executor", False, "plant-1 does not work now") in said(site)


def said(site: Settings) -> list[tuple[str, bool, str]]:
    return [(check.name, check.ok, check.detail) for check in check_changes(site, SITE)]
