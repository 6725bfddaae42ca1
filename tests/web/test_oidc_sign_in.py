"""Signing in with the identity provider of the site, against a real little one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from account_fixture import PASSWORD, audit_rows
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import Engine
from web.openid_provider import CLIENT, SECRET, OpenIdProvider, serve_provider
from web_fixture import NOON, Works, open_works

from copilot.settings import OidcSettings, WebSettings
from copilot.web.access import COOKIE


def settings(issuer: str) -> WebSettings:
    oidc: Any = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "name": "mill id"}
    return WebSettings(oidc=OidcSettings(**oidc))


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    """A provider that serves."""
    provider = OpenIdProvider(lambda: NOON)
    async with serve_provider(provider):
        yield provider


@pytest.fixture
async def site(
    own_engine: Engine, tmp_path: Path, provider: OpenIdProvider
) -> AsyncIterator[Works]:
    """The works with that provider, where subject 4711 is olga."""
    async with open_works(own_engine, tmp_path, web=settings(provider.issuer)) as opened:
        opened.services.identities.link(provider.issuer, "4711", "olga", by="root")
        yield opened


async def go(client: httpx2.AsyncClient, page: str = "/") -> str:
    """To the provider and back: the address of our own that it sends the browser to."""
    sent = await client.get("/sign-in/provider", params={"next": page})
    assert sent.status_code == 303, sent.text
    async with httpx2.AsyncClient() as browser:
        return (await browser.get(sent.headers["location"])).headers["location"]


async def test_a_linked_subject_is_signed_in_and_goes_on(site: Works, own_engine: Engine):
    client = await site.client()
    assert "Sign in with mill id" in (await client.get("/sign-in")).text
    entered = await client.get(await go(client, "/account?a=ü"))
    assert entered.status_code == 303
    assert entered.headers["location"] == "/account?a=%C3%BC"
    assert "olga" in (await client.get("/account")).text
    assert "identity.entered" in [row["kind"] for row in audit_rows(own_engine)]


async def test_an_unlinked_subject_is_named_so_that_it_can_be_linked(
    site: Works, provider: OpenIdProvider
):
    provider.subject = "4712"
    client = await site.client()
    refused = await client.get(await go(client))
    assert refused.status_code == 403
    assert "link &#39;4712&#39; to an account first" in refused.text
    assert COOKIE not in client.cookies


async def test_a_closed_account_is_not_opened(site: Works):
    site.services.accounts.disable("olga", by="root")
    client = await site.client()
    assert (await client.get(await go(client))).status_code == 403


async def test_an_answer_counts_once_and_only_in_the_browser_that_asked(site: Works):
    asked, other = await site.client(), await site.client()
    back = await go(asked)
    assert (await other.get(back)).status_code == 403
    await go(other)  # it has asked too, but for something else
    assert (await other.get(back)).status_code == 403
    assert (await asked.get(back)).status_code == 303
    assert (await asked.get(back)).status_code == 403
    for query in ("", "?state=x", "?code=x", "?error=access_denied&state=x", "?state=%FF&code=1"):
        broken = await asked.get(f"/sign-in/provider/callback{query}")
        assert broken.status_code == 403
        assert "begin again" in broken.text


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://id.other.example"},
        {"aud": "another client"},
        {"aud": ["copilot", "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(NOON.timestamp()) - 61},
        {"exp": None},
        {"iat": int(NOON.timestamp()) + 3600},
        {"sub": None},
        {"sub": 4711},
    ],
)
async def test_a_word_that_does_not_hold_opens_nothing(
    site: Works, provider: OpenIdProvider, claims: dict[str, Any]
):
    provider.claims = claims
    client = await site.client()
    refused = await client.get(await go(client))
    assert refused.status_code == 403
    assert "mill id" in refused.text
    assert COOKIE not in client.cookies


async def test_a_word_of_another_key_opens_nothing(site: Works, provider: OpenIdProvider):
    client = await site.client()
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
    assert (await client.get(await go(client))).status_code == 403
    provider.signing_key, provider.algorithm = OctKey.import_key(SECRET * 2), "HS256"
    assert (await client.get(await go(client))).status_code == 403
    assert COOKIE not in client.cookies


async def test_a_provider_that_speaks_for_another_one_is_not_heard(
    site: Works, provider: OpenIdProvider
):
    provider.discovery = {"issuer": "https://id.other.example"}
    client = await site.client()
    told = await client.get("/sign-in/provider")
    assert told.status_code == 503
    assert "speaks for another issuer" in told.text


async def test_nothing_is_sent_to_a_provider_without_tls(site: Works, provider: OpenIdProvider):
    provider.discovery = {"token_endpoint": "http://id.mill.example/token"}
    client = await site.client()
    told = await client.get(await go(client))
    assert told.status_code == 503
    assert "without TLS" in told.text


async def test_while_the_provider_is_away_passwords_still_work(own_engine: Engine, tmp_path: Path):
    async with open_works(own_engine, tmp_path, web=settings("http://127.0.0.1:9")) as works:
        client = await works.client()
        told = await client.get("/sign-in/provider")
        assert told.status_code == 503
        assert "mill id is not reachable" in told.text
        assert 'name="password"' in told.text
        entered = await client.post("/sign-in", data={"name": "olga", "password": PASSWORD})
        assert entered.status_code == 303


async def test_without_a_provider_there_is_none(works: Works):
    client = await works.client()
    assert "/sign-in/provider" not in (await client.get("/sign-in")).text
    assert (await client.get("/sign-in/provider")).status_code == 422
