from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from copilot.audit.log import read_rows
from copilot.canonical import read_strict
from copilot.db import reading
from copilot.policy.policy import Policy, shipped
from copilot.policy.record import record_policy
from copilot_tools.site.load import parse_site

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLANT = """\
[site]
id = "kiln"
name = "Kiln"
time_zone = "UTC"
namespace = "urn:kiln"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "K-1"
name = "Main fan"
kind = "fan"
area = "A"
"""
SITE = parse_site(PLANT)


def test_a_policy_goes_on_record_when_it_is_another_one(own_engine: Engine, tmp_path: Path):
    changed = tmp_path / "site.cedar"
    changed.write_text(shipped("default.cedar") + "// stricter from today\n", encoding="utf-8")
    usual, other = Policy.load(None, SITE), Policy.load(changed, SITE)
    for policy in (usual, usual, other, other, usual):
        record_policy(own_engine, policy, "desk", NOW)
    with reading(own_engine) as connection:
        rows = [read_strict(row.text) for row in read_rows(connection)]
    assert [row["data"]["policy"] for row in rows] == [usual.hash, other.hash, usual.hash]
    assert rows[1]["data"]["policy_text"] == other.text


def test_another_plant_model_goes_on_record(own_engine: Engine):
    other = Policy.load(None, parse_site(PLANT + "# one bound wider\n"))
    usual = Policy.load(None, SITE)
    for policy in (usual, other, other, usual):
        record_policy(own_engine, policy, "desk", NOW)
    with reading(own_engine) as connection:
        rows = [read_strict(row.text) for row in read_rows(connection)]
    models = [row["data"]["plant_model"] for row in rows]
    assert models == [usual.plant_model, other.plant_model, usual.plant_model]
    assert usual.plant_model == SITE.digest != other.plant_model
