"""The layer's programs, and the functions' psycopg2, against a real server behind TLS."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import sql

from layers.wheels import MACHINES
from local.postgres_server import PostgresServer
from tenantry.database.client_environment import client_environment
from tenantry.domain.credentials import Credentials
from tests.tls_front import CertificateAuthority, TlsFront, serve_tls

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the layer's programs for the machine that runs the tests."""
    output = tmp_path_factory.mktemp("pg_client")
    architecture = next(name for name, machine in MACHINES.items() if machine == platform.machine())
    command = [sys.executable, "-B", "-m", "layers.pg_client.build", "--architecture", architecture]
    subprocess.run([*command, "--output", str(output)], cwd=PROJECT, check=True, timeout=300)
    return output / "bin"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def front(postgres: PostgresServer, authority: CertificateAuthority) -> Iterator[TlsFront]:
    with serve_tls(postgres.host, postgres.port, authority.issue("localhost")) as front:
        yield front


@pytest.fixture
def front_of_another_host(postgres: PostgresServer, authority: CertificateAuthority) -> Iterator[TlsFront]:
    with serve_tls(postgres.host, postgres.port, authority.issue("another.example")) as front:
        yield front


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """A database with a table of 1,000 rows, in which every session authenticates with SCRAM."""
    name = f"layer_{uuid4().hex}"
    with closing(_connect(postgres, "postgres")) as admin, admin.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with closing(_connect(postgres, name)) as connection, connection.cursor() as rows:
            rows.execute(
                "CREATE TABLE candidates AS SELECT id, md5(id::text) AS email FROM generate_series(1, 1000) id"
            )
        yield name
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _connect(server: PostgresServer, database: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(
        host=server.host,
        port=server.port,
        user=server.admin_user,
        password=server.admin_password,
        dbname=database,
    )
    connection.autocommit = True
    return connection


def _settings(
    postgres: PostgresServer, front: TlsFront, authority: CertificateAuthority, database: str
) -> dict[str, str]:
    """libpq's environment for a session that trusts only our authority, checks the host name and requires SCRAM."""
    return {
        "PGHOST": "localhost",
        "PGHOSTADDR": front.host,
        "PGPORT": str(front.port),
        "PGUSER": postgres.admin_user,
        "PGPASSWORD": postgres.admin_password,
        "PGDATABASE": database,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(authority.root_path),
        "PGREQUIREAUTH": "scram-sha-256",
        "PGCONNECT_TIMEOUT": "10",
        "HOME": "/nonexistent",
    }


def _run(command: list[str], settings: dict[str, str], data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=settings, input=data, capture_output=True, timeout=60, check=False)


def test_the_programs_are_at_least_as_new_as_the_server(programs: Path, postgres: PostgresServer) -> None:
    version = _run([str(programs / "pg_dump"), "--version"], {}).stdout.split()[-1].decode()
    with closing(_connect(postgres, "postgres")) as connection:
        assert tuple(map(int, version.split("."))) >= divmod(connection.info.server_version, 10_000)


def test_a_dump_over_verified_tls_brings_back_every_row(
    programs: Path, postgres: PostgresServer, front: TlsFront, authority: CertificateAuthority, database: str
) -> None:
    settings = _settings(postgres, front, authority, database)
    dump = _run([str(programs / "pg_dump"), "-Fc", "-Z0"], settings)
    assert dump.returncode == 0, dump.stderr

    with closing(_connect(postgres, database)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE candidates")
    restored = _run([str(programs / "pg_restore"), "--exit-on-error", "-d", database], settings, dump.stdout)
    assert restored.returncode == 0, restored.stderr
    counted = _run([str(programs / "psql"), "-XAtc", "SELECT count(*) FROM candidates"], settings)
    assert counted.stdout == b"1000\n", counted.stderr
    assert set(front.versions) == {"TLSv1.3"}


def test_psql_shows_the_connection(
    programs: Path, postgres: PostgresServer, front: TlsFront, authority: CertificateAuthority, database: str
) -> None:
    """psql calls a function that libpq has only since PostgreSQL 18, so an older libpq fails here."""
    shown = _run([str(programs / "psql"), "-Xc", r"\conninfo"], _settings(postgres, front, authority, database))
    assert shown.returncode == 0, shown.stderr
    assert b"TLSv1.3" in shown.stdout


def test_without_an_authority_of_the_servers_the_systems_are_trusted(
    programs: Path,
    postgres: PostgresServer,
    front: TlsFront,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in Lambda: the programs would look for authorities where their OpenSSL was built, and find none."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr("tenantry.database.connecting._SYSTEM_AUTHORITIES", (str(authority.root_path),))
    login = Credentials(
        "localhost", front.port, "postgres", postgres.admin_user, postgres.admin_password, "verify-full"
    )

    shown = _run([str(programs / "psql"), "-XAtc", "SELECT 1"], client_environment(login, "test", 10))

    assert (shown.returncode, shown.stdout, shown.stderr) == (0, b"1\n", b"")


@pytest.mark.parametrize("program", [["pg_dump", "-Fc"], ["psql", "-XAtc", "SELECT 1"]], ids=lambda p: p[0])
def test_a_certificate_for_another_host_is_refused_and_nothing_comes(
    programs: Path,
    program: list[str],
    postgres: PostgresServer,
    front_of_another_host: TlsFront,
    authority: CertificateAuthority,
    database: str,
) -> None:
    settings = _settings(postgres, front_of_another_host, authority, database)
    refused = _run([str(programs / program[0]), *program[1:]], settings)
    assert refused.returncode != 0
    assert refused.stdout == b""
    assert b"another.example" in refused.stderr


def test_a_certificate_of_another_authority_is_refused(
    programs: Path, postgres: PostgresServer, front: TlsFront, database: str, tmp_path: Path
) -> None:
    settings = _settings(postgres, front, CertificateAuthority(tmp_path), database)
    refused = _run([str(programs / "pg_dump"), "-Fc"], settings)
    assert refused.returncode != 0
    assert refused.stdout == b""
    assert front.versions == []


def test_a_server_without_tls_is_refused(
    programs: Path, postgres: PostgresServer, authority: CertificateAuthority, database: str
) -> None:
    plain = TlsFront(postgres.host, postgres.port)
    refused = _run([str(programs / "pg_dump"), "-Fc"], _settings(postgres, plain, authority, database))
    assert refused.returncode != 0
    assert refused.stdout == b""


def test_psycopg2_connects_over_verified_tls(
    postgres: PostgresServer,
    front: TlsFront,
    authority: CertificateAuthority,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _take_over(monkeypatch, _settings(postgres, front, authority, database))
    with closing(psycopg2.connect("")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM candidates")
        assert cursor.fetchone() == (1000,)
        assert connection.info.ssl_attribute("protocol") == "TLSv1.3"


def test_psycopg2_refuses_a_certificate_for_another_host(
    postgres: PostgresServer,
    front_of_another_host: TlsFront,
    authority: CertificateAuthority,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _take_over(monkeypatch, _settings(postgres, front_of_another_host, authority, database))
    with pytest.raises(psycopg2.OperationalError, match=r"another\.example"):
        psycopg2.connect("")


def _take_over(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
