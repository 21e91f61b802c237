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

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
_ACCEPTED: Final = b"S"
_SYSTEM: Final = "system"
_VERIFIES_HOST: Final = "verify-full"
# OpenSSL's X509_V_ERR_*.
_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_HOST = frozenset({62, 64})


class TlsFinding(StrEnum):
    """What was found. `FINE`: TLS is not the reason."""

    FINE = "fine"
    UNREACHABLE = "unreachable"
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
            if credentials.sslmode == "disable":
                return TlsFinding.FINE
            plain.sendall(_SSL_REQUEST)
            answer = plain.recv(1)
            if answer != _ACCEPTED:
                # Whoever hangs up is no PostgreSQL: a load balancer, say, with nobody behind it.
                return TlsFinding.NO_TLS if answer else TlsFinding.UNREACHABLE
            return _shake_hands(plain, credentials)
    except OSError:
        return TlsFinding.UNREACHABLE


def _shake_hands(plain: socket.socket, credentials: Credentials) -> TlsFinding:
    try:
        context = _context(credentials)
    except ssl.SSLError:
        return TlsFinding.NO_CERTIFICATES
    try:
        with context.wrap_socket(plain, server_hostname=credentials.host):
            return TlsFinding.FINE
    except ssl.SSLCertVerificationError as exc:
        if exc.verify_code in _OTHER_HOST:
            return TlsFinding.OTHER_HOST
        return TlsFinding.EXPIRED if exc.verify_code in {_EXPIRED, _NOT_YET_VALID} else TlsFinding.UNTRUSTED
    except ssl.SSLError:
        return TlsFinding.NO_HANDSHAKE


def _context(credentials: Credentials) -> ssl.SSLContext:
    """Trust whom libpq trusts. :raises ssl.SSLError: what the server was registered with holds no certificates."""
    root = certificate_file(credentials)
    context = ssl.create_default_context(cafile=None if root in (None, _SYSTEM) else root)
    context.check_hostname = credentials.sslmode == _VERIFIES_HOST
    if not credentials.sslmode.startswith("verify-"):
        context.verify_mode = ssl.CERT_NONE
    return context
