"""The ports on which the parts of the stack listen."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from local.errors import LocalStackError, PortTaken

LOOPBACK = "127.0.0.1"
BRIDGE = "172.17.0.1"

_DEFAULTS = {"aws": 4566, "ap_south_1": 5433, "us_east_1": 5434, "console": 8400}
_PURPOSES = {
    "aws": "the local AWS",
    "ap_south_1": "the PostgreSQL server ap-south-1",
    "us_east_1": "the PostgreSQL server us-east-1",
    "console": "the console",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """The four ports of a stack."""

    aws: int
    ap_south_1: int
    us_east_1: int
    console: int

    @classmethod
    def choose(cls, how: Literal["fixed", "free"], environment: Mapping[str, str] = os.environ) -> Self:
        """Take the documented ports, or free ones. :raises LocalStackError: a variable is not a port number."""
        if how == "free":
            return cls(*free_ports(len(_DEFAULTS)))
        return cls(**{name: _configured(name, default, environment) for name, default in _DEFAULTS.items()})

    def check(self, hosts: Sequence[str] = (LOOPBACK,)) -> None:
        """Make sure that all ports are free. :raises PortTaken: one is not; the error names the first."""
        for name, purpose in _PURPOSES.items():
            port = getattr(self, name)
            if any(not is_free(port, host) for host in hosts):
                raise PortTaken(port, purpose, variable_of(name))


def variable_of(name: str) -> str:
    """Name the environment variable that moves the port."""
    return f"TENANTRY_PORT_{name.upper()}"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Ignore an earlier server's connections that are still in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_address(address: str) -> None:
    """Make sure that a server could listen on an address. :raises LocalStackError: this machine does not have it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as exc:
            raise LocalStackError(
                f"This machine does not have the address {address} of Docker's bridge: "
                "start Docker, or leave out BRIDGE=1"
            ) from exc


def free_ports(count: int) -> list[int]:
    """Find different free ports: each is held until all are found."""
    probes = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _configured(name: str, default: int, environment: Mapping[str, str]) -> int:
    text = environment.get(variable_of(name), str(default))
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise LocalStackError(f"{variable_of(name)} is {text!r}: it has to be a port from 1024 to 65535")
    return int(text)
