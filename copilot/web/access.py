"""Who is visiting, and what each route asks of them.

    async def show(visitor: Reader) -> ...

A route names its permission by the type of its visitor; tests/web/test_authorization.py knows
the permission of every route, and fails for one that names none.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import Annotated, Literal

from fastapi import Depends, Request

from copilot.accounts.sessions import Kind, Session
from copilot.accounts.sign_in import PasswordIsDue
from copilot.actor import Actor, Role
from copilot.canonical import digest
from copilot.web.services import Services
from copilot_tools.errors import Denied

COOKIE = "copilot_session"
SECURE_COOKIE = "__Host-copilot_session"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
BACKGROUND = "X-Background"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


class Permission(StrEnum):
    """What a route asks of its visitor; whether a person may decide what, the policy says."""

    OPEN = "open"  # nothing at all
    READ = "read"  # somebody known: a session of either kind, or a service token
    OWN = "own"  # a person: a session of either kind
    DECIDE = "decide"  # a person who signed in with a password, not with a badge
    ADMIN = "admin"  # the same, and an administrator


class NotSignedIn(Exception):
    """Nobody, or nobody any more, is signed in here."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks; `csrf` is what forms of their session have to carry."""

    actor: Actor
    via: Literal["session", "token"]
    session: Session | None = None
    csrf: str = ""

    @property
    def due(self) -> bool:
        """Whether the password they signed in with was for once."""
        return self.session is not None and self.session.kind is Kind.CHANGE


@dataclass(frozen=True, slots=True)
class Allowed:
    """The dependency that lets a visitor with a permission pass; raises NotSignedIn or Denied.

    Whose password is due to change gets in nowhere (PasswordIsDue) but `when_due`.
    """

    permission: Permission
    when_due: bool = False

    async def __call__(self, request: Request) -> Visitor | None:
        """The visitor; None only where anybody may come."""
        visitor = await _visitor(request)
        if visitor is None:
            if self.permission is Permission.OPEN:
                return None
            raise NotSignedIn
        request.state.visitor = visitor
        if visitor.via == "session" and request.method not in SAFE:
            await _check_form(request, visitor)
        self._check(visitor)
        return visitor

    def _check(self, visitor: Visitor) -> None:
        if self.permission is Permission.OPEN:
            return
        if visitor.due and not self.when_due:
            raise PasswordIsDue("choose a password of your own first")
        if self.permission is Permission.READ:
            return
        if visitor.session is None:
            raise Denied("a service token may read and ask, nothing else")
        if self.permission is Permission.OWN:
            return
        if not visitor.actor.authenticated:
            raise Denied("a badge opens reading and asking; sign in with your password for this")
        if self.permission is Permission.ADMIN and visitor.actor.role is not Role.ADMIN:
            raise Denied("only an administrator may do this")


Anybody = Annotated[Visitor | None, Depends(Allowed(Permission.OPEN))]
Reader = Annotated[Visitor, Depends(Allowed(Permission.READ))]
Owner = Annotated[Visitor, Depends(Allowed(Permission.OWN))]
OwnerAtOnce = Annotated[Visitor, Depends(Allowed(Permission.OWN, when_due=True))]
Decider = Annotated[Visitor, Depends(Allowed(Permission.DECIDE))]
Administrator = Annotated[Visitor, Depends(Allowed(Permission.ADMIN))]


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    services: Services = request.app.state.services
    return services


Served = Annotated[Services, Depends(services_of)]


def session_token(request: Request) -> str:
    """The token of the browser's session, empty without one."""
    return request.cookies.get(cookie_name(request), "")


def cookie_name(request: Request) -> str:
    """What the session's cookie is called; browsers take the secure one over TLS only."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def form_secret(token: str) -> str:
    """What forms of a session must carry: another site cannot know it."""
    return digest(f"form {token}")


def goes_on_by_itself(request: Request) -> bool:
    """Whether a page asks without anybody at it: that must not keep a session awake."""
    streams = request.headers.get("Accept", "").startswith("text/event-stream")
    return streams or BACKGROUND in request.headers


async def _visitor(request: Request) -> Visitor | None:
    services = services_of(request)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        actor = await asyncio.to_thread(services.tokens.find, secret.strip())
        return Visitor(actor, "token") if actor else None
    token = session_token(request)
    if not token:
        return None
    touch = not goes_on_by_itself(request)
    found = await asyncio.to_thread(services.sessions.find, token, touch=touch)
    if found is None:
        return None
    session, actor = found
    return Visitor(actor, "session", session, form_secret(token))


async def _check_form(request: Request, visitor: Visitor) -> None:
    """Raise Denied unless what was sent comes from a page of this session."""
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and "form" in request.headers.get("Content-Type", ""):
        field = (await request.form()).get(CSRF_FIELD)
        sent = field if isinstance(field, str) else ""
    if not compare_digest(sent.encode(), visitor.csrf.encode()):
        raise Denied("this form is from another session; load the page again")
