"""Accounts of a small site with passwords that cost next to nothing to hash."""

from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from copilot import tables
from copilot.accounts.passwords import Passwords
from copilot.canonical import read_strict
from copilot_tools.site.load import parse_site

PASSWORD = "a long password"

SITE = parse_site(
    """\
[site]
id = "mill"
name = "Mill"
time_zone = "Europe/Berlin"
namespace = "urn:mill"
[[shift]]
name = "early"
start = 06:00:00
[[shift]]
name = "late"
start = 14:00:00
[[area]]
id = "N"
name = "North"
[[area]]
id = "S"
name = "South"
[[asset]]
id = "M-1"
name = "Mill"
kind = "mill"
area = "N"
"""
)


def cheap() -> Passwords:
    """Passwords at the lowest cost there is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def audit_rows(engine: Engine) -> list[dict[str, object]]:
    """The rows of the audit log, oldest first."""
    with engine.begin() as connection:
        rows = connection.execute(select(tables.audit.c.row).order_by(tables.audit.c.seq))
        return [read_strict(row.row) for row in rows]
