"""Says to an operator why a server can't be used, and what to do about it."""

from typing import Final

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BadRequest, DatabaseUnavailable
from tenantry.servers.tls_probe import TlsFinding, probe_tls

# SQLSTATE class 08: no server answered, or the connection broke.
NO_CONNECTION: Final = "08"
_PROBE_SECONDS: Final = 5.0

# What is wrong with a certificate, and what to do.
_CERTIFICATES: Final = {
    TlsFinding.OTHER_HOST: (
        "it was issued for another host name",
        "Register the server under a name that its certificate has (subjectAltName).",
    ),
    TlsFinding.EXPIRED: (
        "it has expired, or is not valid yet",
        "Renew the certificate, and look at the clock of whoever issued it.",
    ),
    TlsFinding.UNTRUSTED: (
        "nobody who is trusted has signed it",
        "Give the certificate (PEM) of the authority that signed it as `sslrootcert`.",
    ),
    TlsFinding.NO_CERTIFICATES: (
        "`sslrootcert` holds no certificate",
        "Give the authority's certificate as PEM: from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
    ),
}


def refused_session(credentials: Credentials, refusal: DatabaseUnavailable) -> BadRequest:
    """Say why the administrator got no session: where no server took it, the server is asked once more."""
    is_silent = refusal.code.startswith(NO_CONNECTION)
    finding = probe_tls(credentials, _PROBE_SECONDS) if is_silent else TlsFinding.FINE
    return what_is_wrong(finding, f"SQLSTATE {refusal.code}") or BadRequest(
        "The server does not let us in.",
        code="server_unreachable",
        details=f"SQLSTATE {refusal.code}",
        hint="Check the administrator's name and password, pg_hba.conf and max_connections, and the server's log.",
    )


def what_is_wrong(finding: TlsFinding, details: str | None = None) -> BadRequest | None:
    """Say what a finding means and what to do about it; None: nothing is wrong.

    :param details: what else is known where nobody answers.
    """
    if finding in _CERTIFICATES:
        reason, hint = _CERTIFICATES[finding]
        return BadRequest(
            "The server's certificate can't be verified.", code="server_untrusted", details=reason, hint=hint
        )
    if finding is TlsFinding.NO_POSTGRESQL:
        return BadRequest(
            "Something else than PostgreSQL answers at that host and port.",
            code="server_unreachable",
            details=details,
            hint="Check the port: it is to be that of PostgreSQL or of a pooler, and not of a web server.",
        )
    if finding is TlsFinding.NO_TLS:
        return BadRequest(
            "The server has no TLS.",
            code="server_without_tls",
            hint='Set ssl = on there, with a certificate; or, where its network is safe, say "sslmode": "disable".',
        )
    if finding is TlsFinding.NO_HANDSHAKE:
        return BadRequest(
            "The server has no TLS that is safe.",
            code="server_without_tls",
            details="it answers, and no handshake comes about",
            hint="Let it speak TLS 1.2 or later (ssl_min_protocol_version, ssl_max_protocol_version, ssl_ciphers).",
        )
    if finding is TlsFinding.UNREACHABLE:
        return BadRequest(
            "Nobody answers at that host and port.",
            code="server_unreachable",
            details=details,
            hint="Check both, listen_addresses of PostgreSQL, that its security group lets the functions' in, and that"
            " theirs lets them out: to DatabasePort, within DatabaseNetwork.",
        )
    return None
