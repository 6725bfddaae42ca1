"""Accounts: who may sign in, with which role and where; every change of one is audited."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from copilot import tables
from copilot.accounts import back_off
from copilot.accounts.passwords import Passwords
from copilot.accounts.revoke import revoke_sessions
from copilot.actor import EVERYWHERE, Actor, Role
from copilot.audit.log import Entry, append
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Denied, Retry
from copilot_tools.site.model import Site
from copilot_tools.windows import current_shift

RESERVED = frozenset(("executor", "policy", "system", "agent"))
WRONG = "name or password is wrong"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is listed: without `shifts` its holder counts as always on shift."""

    name: str
    person: str
    role: Role
    areas: tuple[str, ...]
    shifts: tuple[str, ...]
    disabled: bool
    created: datetime


class Accounts:
    """The accounts in the own database; `by` is who changes one, as the audit log names them.

    Raises Retry for names, areas and shifts that do not exist, Denied for what is not allowed.
    """

    def __init__(
        self,
        engine: Engine,
        site: Site,
        now: Callable[[], datetime],
        passwords: Passwords | None = None,
    ) -> None:
        self._engine = engine
        self._site = site
        self._now = now
        self.passwords = passwords or Passwords()

    def add(
        self,
        name: str,
        role: Role,
        areas: Sequence[str],
        password: str,
        *,
        by: str,
        person: str = "",
        shifts: Sequence[str] = (),
        must_change: bool = False,
    ) -> Actor:
        """Make an account; `person` is who holds it, where one person has several: then it is the
        name that person's first account has. With `must_change` the password is good for once.
        """
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise Retry(
                f"{name!r} cannot be an account: use lower-case letters, digits, dots and dashes; "
                f"{', '.join(sorted(RESERVED))} are taken"
            )
        self._check_areas(areas)
        self._check_shifts(shifts)
        described = {
            "person": person or name,
            "role": str(role),
            "areas": list(areas),
            "shifts": list(shifts),
        }
        hashed = self.passwords.hash(password)
        at = self._now()
        row = {
            "name": name,
            **described,
            "password_hash": hashed,
            "disabled": False,
            "created": stamp(at),
        }
        try:
            with writing(self._engine) as connection:
                if person not in ("", name):
                    _check_person(connection, person)
                connection.execute(insert(tables.accounts).values(row))
                if must_change:
                    connection.execute(insert(tables.passwords_due).values(account=name))
                append(connection, Entry("account.added", by, "", {"name": name, **described}), at)
                return self.load(connection, name, at)
        except IntegrityError:
            raise Retry(f"there is an account {name!r} already") from None

    def disable(self, name: str, *, by: str) -> None:
        """Close an account; nothing it approved counts any more. The last administrator stays."""
        self._change(name, "account.disabled", by, {"disabled": True})

    def enable(self, name: str, *, by: str) -> None:
        """Open an account again."""
        self._change(name, "account.enabled", by, {"disabled": False})

    def change_role(self, name: str, role: Role, *, by: str) -> None:
        """Give an account another role; it counts from its next decision on."""
        self._change(name, "account.role", by, {"role": str(role)})

    def change_areas(self, name: str, areas: Sequence[str], *, by: str) -> None:
        """Give an account other areas; "*" means all."""
        self._check_areas(areas)
        self._change(name, "account.areas", by, {"areas": list(areas)})

    def change_shifts(self, name: str, shifts: Sequence[str], *, by: str) -> None:
        """Give an account other shifts; none means always on shift."""
        self._check_shifts(shifts)
        self._change(name, "account.shifts", by, {"shifts": list(shifts)})

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Give an account a new password, which ends its sessions; the audit log holds that it was
        done, not the hash.
        """
        hashed = self.passwords.hash(password)
        self._change(name, "account.password", by, {"password_hash": hashed})

    def change_password(self, name: str, old: str, new: str) -> None:
        """Change one's own password, by the old one; raises Denied when that is wrong, Retry when
        the new one is no good.
        """
        self.authenticate(name, old)
        if new == old:
            raise Retry("the new password is the old one")
        self.set_password(name, new, by=name)

    def load(self, connection: Connection, name: str, at: datetime) -> Actor:
        """The account's holder as of now; raises Denied when it is unknown or disabled.

        Not `authenticated`: only who has seen a password or a step-up may say so.
        """
        row = _find(connection, name)
        if row is None:
            raise Denied(f"there is no account {name!r}")
        account = _account(row)
        if account.disabled:
            raise Denied(f"the account {name!r} is disabled")
        on_shift = not account.shifts or current_shift(self._site, at)[1] in account.shifts
        return Actor(name, account.role, account.person, account.areas, on_shift=on_shift)

    def known(self, connection: Connection, name: str) -> bool:
        """Whether there is an account of that name, open or closed."""
        return _find(connection, name) is not None

    def may_enter(self, connection: Connection, name: str) -> bool:
        """Whether there is an open account of that name, whose password is not due to change."""
        row = _find(connection, name)
        return row is not None and not row.disabled and not _is_due(connection, name)

    def password_is_due(self, name: str) -> bool:
        """Whether the account's password was for once and has to be changed first."""
        with reading(self._engine) as connection:
            return _is_due(connection, name)

    def authenticate(self, name: str, password: str, address: str = "") -> None:
        """Pass when this is the password of an open account; raises Denied, never saying why.

        Unknown names cost the same work. After wrong passwords a name has to wait, and after many
        an address (where tries come over the network), never for good.
        """
        with writing(self._engine) as connection:
            row = _find(connection, name)
            key = name if row is not None else back_off.unknown(name)
            keys = back_off.Keys(key, address)
            wait = back_off.begin_all(connection, keys, self._now())
        if wait:
            raise Denied(f"too many wrong passwords; try again in {ceil(wait)} s")
        right = self.passwords.verify(row.password_hash if row else None, password)
        with writing(self._engine) as connection:
            if row is not None and right and not row.disabled:
                back_off.succeeded_all(connection, keys)
                return
            # An unknown name is not written down: it may be a password in the wrong field.
            actor, known = (name, True) if row is not None else ("system", False)
            append(connection, Entry("account.refused", actor, "", {"known": known}), self._now())
        raise Denied(WRONG)

    def governed(self) -> bool:
        """Whether there is an administrator, who then has to be asked for every change."""
        return any(_governs(account.disabled, account.role) for account in self.list())

    def administrator(self, name: str, password: str) -> str:
        """The name again, when it and the password are an administrator's; raises Denied."""
        self.authenticate(name, password)
        with reading(self._engine) as connection:
            role = self.load(connection, name, self._now()).role
        if role is not Role.ADMIN:
            raise Denied(f"{name} is no administrator")
        return name

    def list(self) -> tuple[Account, ...]:
        """Every account by name, disabled ones too."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(tables.accounts).order_by(tables.accounts.c.name))
            return tuple(_account(row) for row in rows)

    def _change(self, name: str, kind: str, by: str, values: dict[str, Any]) -> None:
        at = self._now()
        shown = {key: value for key, value in values.items() if key != "password_hash"}
        with writing(self._engine) as connection:
            row = _lock(connection, name)
            account = _account(row)
            changed = {"disabled": account.disabled, "role": account.role, **values}
            if _governs(account.disabled, account.role) and not _governs(
                changed["disabled"], changed["role"]
            ):
                _keep_an_administrator(connection, name)
            before = {key: row._mapping[key] for key in shown}
            where = tables.accounts.c.name == name
            connection.execute(update(tables.accounts).where(where).values(values))
            data = {"name": name, "before": before, "after": shown}
            append(connection, Entry(kind, by, "", data), at)
            if "password_hash" in values:
                due = tables.passwords_due
                connection.execute(delete(due).where(due.c.account == name))
            if "password_hash" in values or changed["disabled"]:
                revoke_sessions(connection, name, by, at)

    def _check_areas(self, areas: Sequence[str]) -> None:
        for area in areas:
            if area != EVERYWHERE and area not in self._site.areas:
                raise Retry(f"there is no area {area!r}; there are {', '.join(self._site.areas)}")

    def _check_shifts(self, shifts: Sequence[str]) -> None:
        names = [shift.name for shift in self._site.shifts]
        for shift in shifts:
            if shift not in names:
                raise Retry(f"there is no shift {shift!r}; there are {', '.join(names)}")


def _find(connection: Connection, name: str) -> Row[Any] | None:
    if not _NAME.fullmatch(name):
        return None
    query = select(tables.accounts).where(tables.accounts.c.name == name)
    return connection.execute(query).one_or_none()


def _is_due(connection: Connection, name: str) -> bool:
    due = tables.passwords_due.c.account
    return connection.execute(select(due).where(due == name)).first() is not None


def _lock(connection: Connection, name: str) -> Row[Any]:
    """The account, and every administrator with it: two must not disable each other."""
    c = tables.accounts.c
    query = select(tables.accounts).where((c.name == name) | (c.role == Role.ADMIN))
    rows = connection.execute(query.order_by(c.name).with_for_update()).all()
    for row in rows:
        if row.name == name:
            return row
    raise Retry(f"there is no account {name!r}")


def _check_person(connection: Connection, person: str) -> None:
    c = tables.accounts.c
    known = select(c.person).where(c.person == person).limit(1)
    if not _NAME.fullmatch(person) or connection.execute(known).first() is None:
        raise Retry(
            f"nobody here is called {person!r}; make the first account of that person first"
        )


def _governs(disabled: bool, role: str) -> bool:
    return role == Role.ADMIN and not disabled


def _keep_an_administrator(connection: Connection, name: str) -> None:
    c = tables.accounts.c
    others = select(c.name).where(c.role == Role.ADMIN, ~c.disabled, c.name != name).limit(1)
    if connection.execute(others).first() is None:
        raise Denied(f"{name} is the last administrator; make another one first")


def _account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        person=row.person,
        role=Role(row.role),
        areas=tuple(row.areas),
        shifts=tuple(row.shifts),
        disabled=row.disabled,
        created=unstamp(row.created),
    )
