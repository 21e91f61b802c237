"""TLS with `verify-full` as the product uses it: a data request and a backup, with a tenant's secret's settings."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from handlers import query_tenant
from tenantry.database.connecting import ConnectSettings, certificate_file, connect_arguments
from tenantry.domain.credentials import Credentials
from tests.integration.conftest import World
from tests.tls_front import CertificateAuthority, serve_tls


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def reply_over_tls(world: World, certificate: Path, root: str) -> tuple[int, str, list[str]]:
    """Read rows through a proxy with that certificate; returns status, answer and the TLS versions of the sessions."""
    tenant = world.tenants[0]
    query_tenant._data_requests()._connections.close()
    with serve_tls(world.server.host, world.server.port, certificate) as front:
        secret = replace(
            world.credentials[tenant],
            host="localhost",
            port=front.port,
            sslmode="verify-full",
            sslrootcert=root,
        )
        world.secrets.write(tenant, secret)
        try:
            query_tenant._data_requests()._opener._secrets.forget(tenant)
            reply = world.call(tenant)
        finally:
            query_tenant._data_requests()._connections.close()
            world.secrets.write(tenant, world.credentials[tenant])
    return reply.status, reply.text, front.versions


def test_a_verified_server_is_served_over_tls_13(world: World, authority: CertificateAuthority) -> None:
    status, text, versions = reply_over_tls(world, authority.issue("localhost"), authority.root_path.read_text())
    assert status == 200, text
    assert versions == ["TLSv1.3"]


def test_a_certificate_for_another_host_is_refused(world: World, authority: CertificateAuthority) -> None:
    status, text, _ = reply_over_tls(world, authority.issue("db.example.com"), authority.root_path.read_text())
    assert status == 503
    assert '"08001"' in text
    assert "localhost" not in text
    assert "certificate" not in text


def test_another_authority_is_refused(world: World, authority: CertificateAuthority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    status, _, _ = reply_over_tls(
        world, authority.issue("localhost"), CertificateAuthority(other).root_path.read_text()
    )
    assert status == 503


def test_without_an_authority_of_its_own_the_systems_are_asked(world: World, authority: CertificateAuthority) -> None:
    status, _, _ = reply_over_tls(world, authority.issue("localhost"), "")
    assert status == 503


def test_a_server_without_tls_gets_no_password(world: World) -> None:
    tenant = world.tenants[0]
    query_tenant._data_requests()._connections.close()
    world.secrets.write(tenant, replace(world.credentials[tenant], sslmode="require"))
    try:
        query_tenant._data_requests()._opener._secrets.forget(tenant)
        assert world.call(tenant).status == 503
    finally:
        world.secrets.write(tenant, world.credentials[tenant])


def test_the_authoritys_file_is_written_once_and_for_us_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    credentials = Credentials("h", 5432, "d", "u", "p", "verify-full", "-----BEGIN CERTIFICATE-----")
    first, second = certificate_file(credentials), certificate_file(credentials)
    assert first == second
    assert first is not None
    assert Path(first).read_text() == "-----BEGIN CERTIFICATE-----"
    assert stat.S_IMODE(os.stat(first).st_mode) == 0o600  # noqa: PTH116
    assert len(list(tmp_path.iterdir())) == 1


def test_a_hand_made_schema_can_not_add_options() -> None:
    credentials = Credentials("h", 5432, "d", "u", "p", schema='a" -c role=postgres \\ x')
    options = connect_arguments(credentials, ConnectSettings())["options"]
    assert ' -c search_path="a""\\ -c\\ role=postgres\\ \\\\\\ x" -c ' in options
