"""A TLS proxy in front of a PostgreSQL server without TLS, and a certificate authority to sign for it.

A client sees what a server with TLS shows: 'S' to its SSLRequest, then a handshake, and nothing at all without one.
"""

import asyncio
import datetime as dt
import ipaddress
import ssl
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CANCEL_REQUEST, _SSL_REQUEST, _GSS_REQUEST = 80877102, 80877103, 80877104
_DEADLINE_SECONDS = 10
_GRACE_SECONDS = 1


class CertificateAuthority:
    """A root certificate made for one test run; `root_path` is the PEM file to trust.

    One that is `terse` does not say what its key is for, as those that `openssl req -x509` makes.
    """

    def __init__(self, folder: Path, *, terse: bool = False) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _make_name("Test root")
        root = _start_certificate(self._name, self._name, self._key.public_key())
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        if not terse:
            root = root.add_extension(_allow_signing(), critical=True)
        self.root_path = folder / "root.pem"
        self.root_path.write_bytes(root.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, *hosts: str, since_days: int = 0) -> Path:
        """Return a PEM file with a certificate for these host names or addresses, and its key.

        It is valid for a day, which began so many days ago.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _start_certificate(_make_name(hosts[0]), self._name, key.public_key(), since_days)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([_make_alternative(h) for h in hosts]), critical=False)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        leaf = leaf.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        path = self._folder / f"{hosts[0]}.pem"
        path.write_bytes(
            leaf.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return path


@dataclass
class TlsFront:
    """The proxy's address, and the TLS version of each connection that it has accepted."""

    host: str
    port: int
    versions: list[str] = field(default_factory=list)


@contextmanager
def serve_tls(host: str, port: int, certificate: Path, ciphers: str = "") -> Iterator[TlsFront]:
    """Run a TLS proxy in front of the PostgreSQL server at this address until the block ends, on a free port.

    :param ciphers: OpenSSL's list; one is for TLS 1.2 alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    context.load_cert_chain(certificate)
    started: Future[TlsFront] = Future()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()
    server = _Server(host, port, context)
    thread = threading.Thread(target=loop.run_until_complete, args=(server.run(started, stop),))
    thread.start()
    try:
        yield started.result(_DEADLINE_SECONDS)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_DEADLINE_SECONDS)
        loop.close()


class _Server:
    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._upstream = (host, port)
        self._context = context
        self._sessions: set[asyncio.Task[None]] = set()
        self._versions: list[str] = []

    async def run(self, started: Future[TlsFront], stop: asyncio.Event) -> None:
        try:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        except OSError as exc:
            started.set_exception(exc)
            return
        host, port = server.sockets[0].getsockname()
        started.set_result(TlsFront(host, port, self._versions))
        await stop.wait()
        server.close()
        # Most clients have hung up by now: their sessions end by themselves, with every socket closed.
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=_GRACE_SECONDS)
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session is not None
        self._sessions.add(session)
        try:
            # A client that refuses the certificate or goes away ends its own connection and no other.
            with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            await _close(writer)
            self._sessions.discard(session)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readexactly(8)
        code = struct.unpack("!II", request)[1]
        if code == _GSS_REQUEST:
            writer.write(b"N")
            request = await reader.readexactly(8)
            code = struct.unpack("!II", request)[1]
        if code == _CANCEL_REQUEST:
            await self._forward(reader, writer, request)
        elif code == _SSL_REQUEST:
            writer.write(b"S")
            await writer.start_tls(self._context, ssl_shutdown_timeout=_GRACE_SECONDS)
            self._versions.append(str(writer.get_extra_info("ssl_object").version()))
            await self._forward(reader, writer)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, already_read: bytes = b""
    ) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        server_writer.write(already_read)
        pumps = {
            asyncio.create_task(_pump(reader, server_writer)),
            asyncio.create_task(_pump(server_reader, writer)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await _close(server_writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


def _make_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _make_alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _start_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, since_days: int = 0
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(days=since_days)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=1))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _allow_signing() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
