"""What a body of the operators' API may not hold, and that a refusal does not repeat it."""

import json
from typing import Any

import pytest

from handlers.routes.bodies import AdoptionBody, ServerBody, parse_body
from tenantry.domain.errors import BadRequest

SERVER: dict[str, Any] = {
    "region": "ap-south-1",
    "host": "10.1.2.3",
    "admin": {"username": "tenantry_admin", "password": "a long password"},
}
SECRET = {"database": "acme", "user": "acme", "password": "their password"}


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (ServerBody, SERVER | {"admin": {"username": "a\0b", "password": "a long password"}}, "admin.username"),
        (ServerBody, SERVER | {"admin": {"username": "a", "password": "a long\0password"}}, "admin.password"),
        (AdoptionBody, {"server_id": "db-1", "secret": SECRET | {"password": "their\0password"}}, "secret.password"),
    ],
)
def test_what_no_connection_can_be_opened_with_is_refused(model: Any, body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_body(model, json.dumps(body).encode())
    assert str(refused.value.details).startswith(f"{field}: ")
    assert "password\0" not in str(refused.value.details)
    assert "long" not in str(refused.value.details)


@pytest.mark.parametrize("kind", ["", "EC ", "RSA ", "ENCRYPTED "])
def test_a_private_key_beside_the_certificate_is_refused_and_not_repeated(kind: str) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    key = f"-----BEGIN {kind}PRIVATE KEY-----\nc2VjcmV0\n-----END {kind}PRIVATE KEY-----\n"
    with pytest.raises(BadRequest) as refused:
        parse_body(ServerBody, json.dumps(SERVER | {"sslrootcert": certificate + key}).encode())
    assert "never its private key" in str(refused.value.details)
    assert "c2VjcmV0" not in str(refused.value.details)
    assert parse_body(ServerBody, json.dumps(SERVER | {"sslrootcert": certificate}).encode()).sslrootcert == certificate
