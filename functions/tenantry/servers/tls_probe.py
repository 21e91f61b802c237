"""Finds out why no session with a server comes about: nobody answers, it has no TLS, or its certificate is not trusted.

libpq tells these apart in words only, which depend on its version. So the server is asked for TLS once more, as
PostgreSQL's protocol has it, and the certificate is verified by Python, whose OpenSSL gives its reasons numbers.
"""

import socket
import ssl
import struct
from enum import StrEnum
from typing import Final

from tenantry.database.connecting import certificate_file
from tenantry.domain.credentials import Credentials
from tenantry.servers.certificate_names import names_host

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
# Its answers: go on with TLS, or without. An error, which begins otherwise, is one of its own too.
_ACCEPTED, _DECLINED, _ERROR = b"S", b"N", b"E"
_SYSTEM: Final = "system"
_VERIFIES_HOST: Final = "verify-full"
# OpenSSL's X509_V_ERR_*.
_EXPIRED, _NOT_YET_VALID = 10, 9


class TlsFinding(StrEnum):
    """What was found. `FINE`: TLS is not the reason."""

    FINE = "fine"
    UNREACHABLE = "unreachable"
    NO_POSTGRESQL = "no_postgresql"
    NO_TLS = "no_tls"
    OTHER_HOST = "other_host"
    EXPIRED = "expired"
    UNTRUSTED = "untrusted"
    NO_CERTIFICATES = "no_certificates"
    NO_HANDSHAKE = "no_handshake"


def probe_tls(credentials: Credentials, seconds: float) -> TlsFinding:
    """Ask a server for TLS, and verify its certificate as far as the credentials' `sslmode` wants it.

    :param seconds: the time limit of each step.
    """
    try:
        with socket.create_connection((credentials.host, credentials.port), seconds) as plain:
            plain.sendall(_SSL_REQUEST)
            answer = plain.recv(1)
            if not answer:
                # Whoever hangs up is no PostgreSQL: a load balancer, say, with nobody behind it.
                return TlsFinding.UNREACHABLE
            if answer not in {_ACCEPTED, _DECLINED, _ERROR}:
                return TlsFinding.NO_POSTGRESQL
            if credentials.sslmode == "disable":
                return TlsFinding.FINE
            return _shake_hands(plain, credentials) if answer == _ACCEPTED else TlsFinding.NO_TLS
    # What is no name of a host at all (`a..b`) is none that anybody has.
    except (OSError, UnicodeError):
        return TlsFinding.UNREACHABLE


def _shake_hands(plain: socket.socket, credentials: Credentials) -> TlsFinding:
    try:
        context = _context(credentials)
    except ssl.SSLError:
        return TlsFinding.NO_CERTIFICATES
    try:
        with context.wrap_socket(plain, server_hostname=credentials.host) as encrypted:
            if credentials.sslmode == _VERIFIES_HOST and not names_host(
                encrypted.getpeercert() or {}, credentials.host
            ):
                return TlsFinding.OTHER_HOST
            return TlsFinding.FINE
    except ssl.SSLCertVerificationError as exc:
        return TlsFinding.EXPIRED if exc.verify_code in {_EXPIRED, _NOT_YET_VALID} else TlsFinding.UNTRUSTED
    except ssl.SSLError:
        return TlsFinding.NO_HANDSHAKE


def _context(credentials: Credentials) -> ssl.SSLContext:
    """Trust whom libpq trusts. :raises ssl.SSLError: what the server was registered with holds no certificates."""
    root = certificate_file(credentials)
    # Python's default context is stricter than libpq: an authority without `keyUsage` would do for every session, and
    # be refused here. It is laxer too: libpq trusts no chain that ends below its root.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if root is None:
        context.verify_mode = ssl.CERT_NONE
    elif root == _SYSTEM:
        context.load_default_certs()
    else:
        # libpq verifies a chain wherever it has a root, also with `require`.
        context.load_verify_locations(root)
    return context
