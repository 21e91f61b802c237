"""Ports: the fixed ones, the free ones, and the message about a port that is taken."""

import socket

import pytest

from local.errors import LocalStackError, PortTaken
from local.ports import Ports, free_ports, is_free


def test_fixed_ports_come_from_the_environment() -> None:
    ports = Ports.choose("fixed", {"TENANTRY_PORT_AWS": "14566"})
    assert (ports.aws, ports.ap_south_1, ports.us_east_1, ports.console) == (14566, 5433, 5434, 8400)


@pytest.mark.parametrize("text", ["", "http", "80", "70000", "-1", "²"])
def test_a_variable_that_holds_no_port_is_named(text: str) -> None:
    with pytest.raises(LocalStackError, match="TENANTRY_PORT_CONSOLE"):
        Ports.choose("fixed", {"TENANTRY_PORT_CONSOLE": text})


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(is_free(port) for port in ports)


def test_a_taken_port_is_told_with_its_purpose_and_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        aws, south, east = free_ports(3)
        with pytest.raises(PortTaken) as told:
            Ports(aws=aws, ap_south_1=south, us_east_1=east, console=taken).check()
    message = str(told.value)
    assert str(taken) in message
    assert "the console" in message
    assert "TENANTRY_PORT_CONSOLE=" in message
    assert "\n" not in message
    assert told.value.exit_code == 2
