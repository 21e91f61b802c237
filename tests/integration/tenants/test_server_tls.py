"""A server is registered over TLS, as one on AWS is; where that fails, the answer says why, and nothing is stored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.ports import free_ports
from tenantry.database.client_environment import client_environment
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId
from tests.integration.tenants.test_administration import Operator, operator, operator_servers
from tests.tls_front import CertificateAuthority, serve_tls

__all__ = ["operator"]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


@pytest.fixture
def port(operator: Operator, authority: CertificateAuthority) -> Iterator[int]:
    """The server's port with TLS, whose certificate is that of `localhost`."""
    server = operator.world.server
    with serve_tls(server.host, server.port, authority.issue("localhost")) as front:
        yield front.port


def as_documented(operator: Operator, port: int, change: dict[str, Any]) -> dict[str, Any]:
    """Leave `sslmode` out: it is `verify-full` then."""
    body = operator.server_body(host="localhost") | {"port": port} | change
    return {name: value for name, value in body.items() if name != "sslmode" or "sslmode" in change}


def test_a_server_with_an_authority_of_its_own_serves_its_tenants_over_tls(
    operator: Operator, authority: CertificateAuthority, port: int
) -> None:
    body = as_documented(operator, port, {"sslrootcert": authority.root_path.read_text()})
    registered = operator.call("PUT", "/admin/v1/servers/first", body)
    assert registered.status == 200, registered.text
    made = operator.create()
    assert made.status == 201, made.text

    assert operator.world.call(TenantId(operator.made[-1])).json == []


def test_a_server_with_a_public_certificate_needs_no_authority(
    operator: Operator, authority: CertificateAuthority, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr("tenantry.database.connecting._SYSTEM_AUTHORITIES", (str(authority.root_path),))
    registered = operator.call("PUT", "/admin/v1/servers/first", as_documented(operator, port, {}))
    assert registered.status == 200, registered.text

    programs = client_environment(Credentials("localhost", port, "d", "u", "p", "verify-full"), "test", 5)
    assert programs["PGSSLROOTCERT"] == str(authority.root_path)


def test_the_authorities_that_the_environment_names_come_first(
    operator: Operator, authority: CertificateAuthority, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    theirs = CertificateAuthority(strangers).root_path
    monkeypatch.setattr("tenantry.database.connecting._SYSTEM_AUTHORITIES", (str(theirs),))
    server = operator.world.server
    login = Credentials("localhost", port, "postgres", server.admin_user, server.admin_password, "verify-full")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root_path))

    connect(login, ConnectSettings()).close()


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"sslrootcert": "strangers"}, "server_untrusted", "nobody who is trusted has signed it"),
        ({}, "server_untrusted", "nobody who is trusted has signed it"),
        ({"host": "127.0.0.1", "sslrootcert": "ours"}, "server_untrusted", "another host name"),
        ({"sslrootcert": "-----BEGIN …"}, "server_untrusted", "holds no certificate"),
        ({"sslrootcert": "ours", "port": "closed"}, "server_unreachable", "SQLSTATE 08001"),
        ({"sslrootcert": "ours", "port": "plain"}, "server_without_tls", None),
        ({"sslmode": "verify-ca", "host": "127.0.0.1", "sslrootcert": "strangers"}, "server_untrusted", "signed"),
        (
            {"sslrootcert": "ours", "admin": {"username": "nobody", "password": "wrong-password"}},
            "server_unreachable",
            "SQLSTATE 28P01",
        ),
    ],
)
def test_why_a_server_is_not_taken_in_is_told(
    operator: Operator,
    authority: CertificateAuthority,
    port: int,
    tmp_path: Path,
    change: dict[str, Any],
    code: str,
    told: str | None,
) -> None:
    reply = operator.call(
        "PUT", "/admin/v1/servers/second", as_documented(operator, port, meant(change, operator, authority, tmp_path))
    )

    assert (reply.status, reply.json["code"]) == (400, code), reply.text
    assert (told or "") in (reply.json["details"] or "")
    assert reply.json["hint"]
    assert "wrong-password" not in reply.text
    assert operator_servers(operator) == ["first"]


def meant(
    change: dict[str, Any], operator: Operator, authority: CertificateAuthority, tmp_path: Path
) -> dict[str, Any]:
    """Put certificates and ports in the place of their names."""
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    named = {
        "ours": authority.root_path.read_text(),
        "strangers": CertificateAuthority(strangers).root_path.read_text(),
        "closed": free_ports(1)[0],
        "plain": operator.world.server.port,
    }
    return {key: named.get(value, value) if isinstance(value, str) else value for key, value in change.items()}


@pytest.mark.parametrize("days", [2, -2])
def test_a_certificate_out_of_date_is_told(operator: Operator, authority: CertificateAuthority, days: int) -> None:
    server = operator.world.server
    with serve_tls(server.host, server.port, authority.issue("localhost", since_days=days)) as front:
        body = as_documented(operator, front.port, {"sslrootcert": authority.root_path.read_text()})
        reply = operator.call("PUT", "/admin/v1/servers/second", body)

    assert (reply.status, reply.json["code"]) == (400, "server_untrusted"), reply.text
    assert "expired" in reply.json["details"]


def test_a_server_with_whom_no_handshake_comes_about_is_told(
    operator: Operator, authority: CertificateAuthority
) -> None:
    """It answers, so it is not unreachable; it has TLS, which nobody may use any more."""
    server = operator.world.server
    with serve_tls(server.host, server.port, authority.issue("localhost"), ciphers="ECDHE-RSA-AES128-SHA") as front:
        body = as_documented(operator, front.port, {"sslrootcert": authority.root_path.read_text()})
        reply = operator.call("PUT", "/admin/v1/servers/second", body)

    assert (reply.status, reply.json["code"]) == (400, "server_without_tls"), reply.text
    assert "no handshake" in reply.json["details"]
