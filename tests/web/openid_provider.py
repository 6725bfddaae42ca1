"""A little OpenID provider on a loopback port: real keys and tokens, PKCE checked.

What it says can be bent by a test: `claims` override those of the token, `signing_key` its key.
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "copilot", "a secret:with/odd+signs"


@dataclass(slots=True)
class OpenIdProvider:
    """Whoever comes is `subject`; no password is asked for."""

    now: Callable[[], datetime]
    issuer: str = ""
    subject: str = "4711"
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signing_key: Any = None
    algorithm: str = "RS256"
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def application(self) -> Starlette:
        """Discovery, authorization, tokens and keys."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    async def _discover(self, _: Request) -> Response:
        places = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse({**places, **self.discovery})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = token_urlsafe(8)
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        asked = self.codes.pop(form["code"][0], None)
        pair = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        right = (
            asked is not None
            and pair == "copilot:a%20secret%3Awith%2Fodd%2Bsigns"
            and form["redirect_uri"][0] == asked["redirect_uri"]
            and create_s256_code_challenge(form["code_verifier"][0]) == asked["code_challenge"]
        )
        if asked is None or not right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "id_token": self._sign(asked["nonce"])}
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def _sign(self, nonce: str) -> str:
        at = int(self.now().timestamp())
        usual = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": at,
            "exp": at + 300,
            "nonce": nonce,
        }
        said = {
            name: value for name, value in {**usual, **self.claims}.items() if value is not None
        }
        header = {"alg": self.algorithm, "kid": "one"}
        return jwt.encode(header, said, self.signing_key or self.key, [self.algorithm])


@asynccontextmanager
async def serve_provider(provider: OpenIdProvider) -> AsyncIterator[None]:
    """Serve it on a free port, which becomes its issuer."""
    config = uvicorn.Config(
        provider.application(), host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    serving = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        await server.shutdown()
