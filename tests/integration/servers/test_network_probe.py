"""What is told of servers and services that answer, refuse, stay silent, or show a wrong certificate."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest
from botocore.config import Config

from handlers import probe_network
from handlers.settings.network import network_settings
from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.aws import service_probe
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.service_probe import is_reached
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable
from tenantry.domain.server import Server, ServerStatus
from tenantry.servers.network_probe import probe_network as probe
from tenantry.servers.tls_probe import TlsFinding, probe_tls
from tests.integration.conftest import REGION
from tests.tls_front import CertificateAuthority, serve_tls

STEP = 0.5


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No service of AWS's is looked for outside this machine."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    network_settings.cache_clear()
    yield
    network_settings.cache_clear()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def test_each_server_is_told_as_it_is(postgres: PostgresServer, authority: CertificateAuthority, silent: int) -> None:
    ours = authority.root_path.read_text()
    closed = free_ports(1)[0]
    with serve_tls(postgres.host, postgres.port, authority.issue("localhost")) as front:
        servers = [
            Server("fine", REGION, "localhost", front.port, sslrootcert=ours),
            Server("encrypted", REGION, "127.0.0.1", front.port, sslmode="require"),
            Server("plain", REGION, postgres.host, postgres.port, sslmode="disable"),
            Server("no-tls", REGION, postgres.host, postgres.port, sslrootcert=ours),
            Server("other-name", REGION, "127.0.0.1", front.port, sslrootcert=ours),
            Server("unsigned", REGION, "localhost", front.port),
            Server("closed", REGION, "127.0.0.1", closed, sslrootcert=ours),
            Server("silent", REGION, "127.0.0.1", silent, sslrootcert=ours),
            Server("silent-too", REGION, "127.0.0.1", silent, sslmode="disable"),
            Server("no-host", REGION, "a..b", 5432),
            Server("no-name", REGION, f"{'x' * 64}.example", 5432),
            Server("lost", REGION, "127.0.0.1", closed, status=ServerStatus.LOST),
        ]
        found = probe(REGION, servers, step_seconds=STEP).servers

    assert found == {
        "fine": TlsFinding.FINE,
        "encrypted": TlsFinding.FINE,
        "plain": TlsFinding.FINE,
        "no-tls": TlsFinding.NO_TLS,
        "other-name": TlsFinding.OTHER_HOST,
        "unsigned": TlsFinding.UNTRUSTED,
        "closed": TlsFinding.UNREACHABLE,
        "silent": TlsFinding.UNREACHABLE,
        "silent-too": TlsFinding.UNREACHABLE,
        "no-host": TlsFinding.UNREACHABLE,
        "no-name": TlsFinding.UNREACHABLE,
    }


@pytest.mark.parametrize("sslmode", ["verify-full", "disable"])
def test_a_web_server_is_not_said_to_lack_tls(sslmode: str) -> None:
    class Web(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(8)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with TCPServer(("127.0.0.1", 0), Web) as server, _served(server) as port:
        found = probe(REGION, [Server("web", REGION, "127.0.0.1", port, sslmode=sslmode)], step_seconds=STEP).servers

    assert found == {"web": TlsFinding.NO_POSTGRESQL}


def _is_let_in(credentials: Credentials) -> bool:
    try:
        connect(credentials, ConnectSettings()).close()
    except DatabaseUnavailable:
        return False
    return True


@pytest.mark.parametrize("sslmode", ["verify-full", "verify-ca", "require"])
@pytest.mark.parametrize(
    ("root", "names", "host", "finding"),
    [
        ("terse", "localhost", "localhost", TlsFinding.FINE),
        ("ours", "localhost", "localhost", TlsFinding.FINE),
        ("ours", "*.internal", "localhost", TlsFinding.OTHER_HOST),
        # libpq verifies a chain wherever it has a root, and the chain has to end there.
        ("strangers", "localhost", "localhost", TlsFinding.UNTRUSTED),
        ("leaf", "localhost", "localhost", TlsFinding.UNTRUSTED),
    ],
)
def test_the_probe_and_a_session_trust_the_same(
    postgres: PostgresServer, tmp_path: Path, sslmode: str, root: str, names: str, host: str, finding: TlsFinding
) -> None:
    """Else a server that serves is called wrong, or nobody is told why one does not."""
    folders = [tmp_path / "ours", tmp_path / "strangers"]
    for folder in folders:
        folder.mkdir()
    ours, strangers = (CertificateAuthority(folder, terse=root == "terse") for folder in folders)
    leaf = ours.issue(names)
    trusted = {"strangers": strangers.root_path, "leaf": leaf}.get(root, ours.root_path).read_text()
    with serve_tls(postgres.host, postgres.port, leaf) as front:
        login = Credentials(
            host, front.port, "postgres", postgres.admin_user, postgres.admin_password, sslmode, trusted
        )
        found = probe_tls(login, 5)

        expected = TlsFinding.FINE if finding is TlsFinding.OTHER_HOST and sslmode != "verify-full" else finding
        assert found is expected
        assert _is_let_in(login) is (expected is TlsFinding.FINE)


def test_whoever_hangs_up_is_not_said_to_lack_tls() -> None:
    class HangUp(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(8)

    with TCPServer(("127.0.0.1", 0), HangUp) as server, _served(server) as port:
        found = probe(REGION, [Server("balancer", REGION, "127.0.0.1", port)], step_seconds=STEP).servers

    assert found == {"balancer": TlsFinding.UNREACHABLE}


def test_silence_is_not_waited_for_one_by_one(silent: int) -> None:
    servers = [Server(f"silent-{number}", REGION, "127.0.0.1", silent) for number in range(30)]
    started = time.monotonic()
    found = probe(REGION, servers, step_seconds=STEP).servers

    assert set(found.values()) == {TlsFinding.UNREACHABLE}
    assert time.monotonic() - started < 30 * STEP / 2


def test_what_has_not_answered_in_time_is_not_reached(silent: int) -> None:
    found = probe(REGION, [Server("silent", REGION, "127.0.0.1", silent)], step_seconds=STEP, seconds=0)

    assert found.servers == {"silent": TlsFinding.UNREACHABLE}
    assert set(found.services.values()) == {False}


def test_a_service_is_reached_where_botocore_would_trust_it(
    postgres: PostgresServer, silent: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = CertificateAuthority(tmp_path, terse=True)
    with _https(authority.issue("localhost")) as port:
        assert not is_reached(f"https://localhost:{port}", STEP)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.root_path))
        assert is_reached(f"https://localhost:{port}", STEP)
        assert not is_reached(f"https://127.0.0.1:{port}", STEP)
    assert not is_reached(f"https://localhost:{silent}", STEP)
    assert not is_reached(f"https://localhost:{free_ports(1)[0]}", STEP)
    assert is_reached(f"http://{postgres.host}:{postgres.port}", STEP)


def test_without_dynamodb_it_still_says_what_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("REGISTRY_TABLE", "registry")
    monkeypatch.setattr(
        probe_network, "_registry", lambda: Registry(aws_client("dynamodb", REGION, config=once), "registry")
    )
    before = time.time()
    answer = probe_network.handler({}, None)

    assert (len(answer["services"]), set(answer["services"].values())) == (len(service_probe.SERVICES), {False})
    assert answer["servers"] is None
    assert before <= answer["clock"] <= time.time()


@contextmanager
def _https(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with _served(server) as port:
            yield port


@contextmanager
def _served(server: TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
