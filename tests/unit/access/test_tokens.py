"""Tokens verified against keys that a real HTTP server publishes."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.utils import base64url_encode

from tenantry.access import tokens
from tenantry.access.tokens import TokenVerifier
from tenantry.domain.errors import DependencyFailed, Unauthenticated

AUDIENCE = "front-end"


class Issuer:
    """An OpenID Connect issuer with as many keys as it is given."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {"first": rsa.generate_private_key(65537, 2048)}
        self.requests: list[str] = []
        self.claimed_issuer: str | None = None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing, to keep the tests' output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/pool"

    def document(self, path: str) -> dict[str, Any]:
        if path == "/pool/.well-known/openid-configuration":
            return {"issuer": self.claimed_issuer or self.url, "jwks_uri": f"{self.url}/keys"}
        algorithm = jwt.algorithms.RSAAlgorithm
        return {
            "keys": [
                {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "RS256"}
                for kid, key in self.keys.items()
            ]
        }

    def token(self, kid: str = "first", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        content = {"sub": "someone", "iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + 300, "token_use": "id"}
        content = {name: value for name, value in (content | claims).items() if value is not None}
        return jwt.encode(content, key or self.keys[kid], algorithm, headers={"kid": kid})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


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
