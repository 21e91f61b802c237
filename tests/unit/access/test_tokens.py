"""Tokens verified against keys that a real HTTP server publishes."""

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_encode

from tenantry.access import tokens
from tenantry.access.tokens import TokenVerifier
from tenantry.domain.errors import DependencyFailed, Unauthenticated
from tests.issuer import AUDIENCE, Issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.stop()


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "kid": "first"}, claims, None)
    return ".".join(base64url_encode(json.dumps(part).encode()).decode() if part else "" for part in parts)


def verifier(issuer: Issuer, **settings: str) -> TokenVerifier:
    return TokenVerifier(issuer.url, AUDIENCE, token_use="id", **settings)


def test_a_good_token_gives_its_claims_and_the_keys_are_fetched_once(issuer: Issuer) -> None:
    checked = verifier(issuer)
    for _ in range(3):
        assert checked.verify(issuer.token())["sub"] == "someone"
    assert issuer.requests == ["/pool/.well-known/openid-configuration", "/pool/keys"]


def test_an_address_of_the_keys_makes_discovery_needless(issuer: Issuer) -> None:
    verifier(issuer, jwks_url=f"{issuer.url}/keys").verify(issuer.token())
    assert issuer.requests == ["/pool/keys"]


def test_an_issuer_that_writes_itself_with_a_slash_is_the_same(issuer: Issuer) -> None:
    issuer.claimed_issuer = f"{issuer.url}/"
    assert verifier(issuer).verify(issuer.token(iss=f"{issuer.url}/"))["sub"] == "someone"


@pytest.mark.parametrize("end", ["//", "/other", "2", "/?"])
def test_an_issuer_whose_name_only_begins_alike_is_another(issuer: Issuer, end: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier(issuer).verify(issuer.token(iss=issuer.url + end))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"iss": "https://elsewhere.example.com"},
        {"iss": None},
        {"aud": "another-app"},
        {"aud": None},
        {"sub": None},
        {"token_use": "access"},
        {"token_use": None},
        {"nbf": 4102444800},
    ],
)
def test_a_token_for_something_else_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verifier(issuer).verify(issuer.token(**claims))


def test_a_forged_token_is_refused(issuer: Issuer) -> None:
    checked, good = verifier(issuer), issuer.token()
    header, payload, signature = good.split(".")
    other = rsa.generate_private_key(65537, 2048)
    forged = [
        issuer.token(key=other),
        # Signed with what everybody knows, and not signed at all.
        jwt.encode({"sub": "x", "aud": AUDIENCE, "iss": issuer.url}, "k" * 32, "HS256", headers={"kid": "first"}),
        unsigned({"sub": "x", "aud": AUDIENCE, "iss": issuer.url}),
        f"{header}.{payload}.",
        f"{header}.{payload[:-2]}AA.{signature}",
        "not.a.token",
        "",
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            checked.verify(token)


def test_a_new_key_is_fetched_once_it_is_seen(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_REFETCH_SECONDS", 0)
    checked = verifier(issuer)
    checked.verify(issuer.token())
    issuer.keys["second"] = rsa.generate_private_key(65537, 2048)
    assert checked.verify(issuer.token("second"))["sub"] == "someone"
    assert issuer.requests.count("/pool/keys") == 2


def test_unknown_keys_do_not_make_us_hammer_the_issuer(issuer: Issuer) -> None:
    checked = verifier(issuer)
    checked.verify(issuer.token())
    stranger = rsa.generate_private_key(65537, 2048)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            checked.verify(issuer.token(f"unknown-{number}", stranger))
    assert issuer.requests.count("/pool/keys") == 1


def test_an_issuer_that_is_down_is_no_fault_of_the_token(issuer: Issuer) -> None:
    token = issuer.token()
    for settings in ({}, {"jwks_url": "http://127.0.0.1:1/keys"}):
        with pytest.raises(DependencyFailed):
            TokenVerifier("http://127.0.0.1:1", AUDIENCE, **settings).verify(token)


def test_a_description_of_another_issuer_is_refused(issuer: Issuer) -> None:
    issuer.claimed_issuer = "https://elsewhere.example.com"
    with pytest.raises(DependencyFailed):
        verifier(issuer).verify(issuer.token())
