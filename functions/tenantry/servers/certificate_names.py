"""Whether a certificate is a host's, as libpq decides it, which is not as Python does.

libpq also compares the names of `subjectAltName` as texts with an address, and takes the common name where there is no
alternative of the host's kind; `*.internal` will do for `db-1.internal`.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

_KINDS = {True: "IP Address", False: "DNS"}


def names_host(certificate: Mapping[str, Any], host: str) -> bool:
    """Tell whether libpq's `verify-full` takes a certificate for this host.

    :param certificate: as `ssl.SSLSocket.getpeercert` returns it.
    """
    address = _address(host)
    alternatives = certificate.get("subjectAltName", ())
    if address and any(_address(name) == address for kind, name in alternatives if kind == "IP Address"):
        return True
    names = [name for kind, name in alternatives if kind == "DNS"]
    if not any(kind == _KINDS[address is not None] for kind, _ in alternatives):
        names += list(_common_names(certificate))[:1]
    return any(_is_like(name.lower(), host.lower()) for name in names)


def _common_names(certificate: Mapping[str, Any]) -> Iterator[str]:
    yield from (value for part in certificate.get("subject", ()) for name, value in part if name == "commonName")


def _is_like(name: str, host: str) -> bool:
    """Compare a name with a host; a star in front stands for one label."""
    first, _, rest = host.partition(".")
    return host == name or (name.startswith("*.") and bool(first and rest) and name[2:] == rest)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None
