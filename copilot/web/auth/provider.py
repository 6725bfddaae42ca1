"""The identity provider of the site: OpenID Connect with code flow, PKCE, state and nonce.

Nothing is kept between two sign-ins: its addresses and keys are asked for each time, so that a
provider that was moved or has new keys works at once.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from copilot.settings import OidcSettings
from copilot_tools.errors import Denied, Unavailable

PATIENCE_S = 10.0
LEEWAY_S = 60
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "EdDSA")
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the browser of somebody who is at the provider keeps meanwhile, in a cookie."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def begin(cls) -> "Attempt":
        """One that nobody can guess."""
        return cls(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48))

    @classmethod
    def read(cls, text: str) -> "Attempt | None":
        """The one that a cookie holds, None for anything else."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    def write(self) -> str:
        """As a cookie holds it."""
        return f"{self.state}.{self.nonce}.{self.verifier}"


class Provider:
    """The provider of the settings; raises Unavailable when it does not answer as one should."""

    def __init__(self, settings: OidcSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now

    async def address(self, attempt: Attempt, redirect: str) -> str:
        """Where the browser goes to sign in; `redirect` is where it comes back to."""
        async with self._client() as client:
            found = await self._discover(client)
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        target = _text(found, "authorization_endpoint")
        return f"{target}{'&' if '?' in target else '?'}{urlencode(query)}"

    async def subject(self, attempt: Attempt, code: str, redirect: str) -> str:
        """Whom the provider vouches for; raises Denied when its word does not hold."""
        async with self._client() as client:
            found = await self._discover(client)
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect,
                "code_verifier": attempt.verifier,
            }
            target = _text(found, "token_endpoint")
            told = await self._json(client, "POST", target, data=form, headers=self._proof())
            keys = await self._json(client, "GET", _text(found, "jwks_uri"))
        return self._check(_text(told, "id_token"), keys, attempt.nonce)

    def _check(self, token: str, keys: dict[str, Any], nonce: str) -> str:
        claims = jwt.JWTClaimsRegistry(
            now=int(self._now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            said = jwt.decode(token, KeySet.import_key_set(keys), ALGORITHMS).claims  # type: ignore[arg-type]
            claims.validate(said)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Denied(f"what the {self.name} says cannot be trusted: {error}") from None
        party = said.get("azp", self._settings.client_id)
        if party != self._settings.client_id:
            raise Denied(f"what the {self.name} says is meant for somebody else")
        return str(said["sub"])

    @property
    def name(self) -> str:
        """What people here call it."""
        return self._settings.name

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return self._settings.issuer

    async def _discover(self, client: httpx2.AsyncClient) -> dict[str, Any]:
        issuer = self._settings.issuer
        place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._json(client, "GET", place)
        if found.get("issuer") != issuer:
            raise Unavailable(self.name, f"{place} speaks for another issuer")
        return found

    async def _json(
        self, client: httpx2.AsyncClient, method: str, url: str, **sent: Any
    ) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOCAL:
            raise Unavailable(self.name, f"{url} is not spoken to without TLS")
        try:
            answer = await client.request(method, url, **sent)
            content = answer.json() if answer.is_success else None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise Unavailable(self.name, f"{type(error).__name__} at {parts.netloc}") from None
        if answer.status_code in (400, 401) and method == "POST":
            raise Denied(f"the {self.name} did not accept this sign-in; try again")
        if not isinstance(content, dict):
            raise Unavailable(self.name, f"status {answer.status_code} at {parts.netloc}")
        return content

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(timeout=PATIENCE_S, follow_redirects=False)

    def _proof(self) -> dict[str, str]:
        """The client's own secret, as RFC 6749 has it in a header."""
        secret = self._settings.client_secret.get_secret_value()
        pair = f"{quote(self._settings.client_id, safe='')}:{quote(secret, safe='')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _text(found: Mapping[str, Any], key: str) -> str:
    text = found.get(key)
    if not isinstance(text, str) or not text:
        raise Unavailable("the identity provider", f"it did not send its {key}")
    return text
