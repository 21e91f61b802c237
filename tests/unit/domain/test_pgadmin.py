"""The files of an inspection for pgAdmin and libpq."""

import re

import pytest

from tenantry.domain.pgadmin import (
    DeskFiles,
    Endpoint,
    Inspector,
    inspector_pattern,
    is_inspector,
    new_inspector_name,
    pgpass_line,
    servers_json,
)
from tenantry.domain.tenant import TenantId

INSPECTOR = Inspector("acme", "first", "acme", "acme_inspect_0123abcd")
PEM = "-----BEGIN CERTIFICATE-----"


def parameters(sslmode: str, root: str | None, **files: str) -> dict[str, object]:
    place = Endpoint("a group", "10.1.2.3", 5432, sslmode, root)
    shown: dict[str, object] = servers_json([(INSPECTOR, place)], DeskFiles(**files), "x")["Servers"]["1"][
        "ConnectionParameters"
    ]
    return shown


def test_a_server_with_an_authority_of_its_own_names_its_file_or_leaves_it_to_libpq() -> None:
    assert "sslrootcert" not in parameters("verify-full", PEM)
    assert parameters("verify-full", PEM, sslrootcert="/home/me/ca.pem")["sslrootcert"] == "/home/me/ca.pem"


def test_a_server_without_one_is_verified_with_the_systems_or_not_at_all() -> None:
    assert parameters("verify-full", None)["sslrootcert"] == "system"
    assert parameters("require", None) == {"sslmode": "require", "connect_timeout": 10, "passfile": ""}


def test_a_line_of_a_password_file_is_escaped() -> None:
    strange = Inspector("acme", "first", "a:b\\c", "acme_inspect_0123abcd")
    line = pgpass_line(strange, Endpoint("g", "fd00::1", 5432, "require", None), "secret")
    assert line == "fd00\\:\\:1:5432:a\\:b\\\\c:acme_inspect_0123abcd:secret"


def test_a_database_with_a_comma_in_its_name_is_not_restricted_to() -> None:
    strange = Inspector("acme", "first", "a,b", "acme_inspect_0123abcd")
    place = Endpoint("g", "h", 1, "require", None)
    assert "DBRestriction" not in servers_json([(strange, place)], DeskFiles(), "")["Servers"]["1"]


def test_a_name_is_one_tenants() -> None:
    name = new_inspector_name(TenantId("acme"))
    assert re.search(inspector_pattern(TenantId("acme")), name)
    assert not re.search(inspector_pattern(TenantId("cme")), name)
    assert len(new_inspector_name(TenantId("a" * 30))) <= 63
    assert name != new_inspector_name(TenantId("acme"))


@pytest.mark.parametrize(
    "role", ["acme_login_a", "acme_inspect_", "acme_inspect_0123abcde", "acme_app", "x_inspect_0123ABCD"]
)
def test_other_roles_are_no_inspectors(role: str) -> None:
    assert is_inspector("acme-prod_inspect_0123abcd")
    assert not is_inspector(role)


@pytest.mark.parametrize("name", ["a\nhost:5432:*:postgres:mine", "a\rb", "a\x1b[2J"])
def test_a_database_can_not_add_lines_to_a_password_file(name: str) -> None:
    place = Endpoint("a group", "10.1.2.3", 5432, "require", None)
    line = pgpass_line(Inspector("acme", "first", name, "acme_inspect_0123abcd"), place, "secret")
    assert line == "10.1.2.3:5432:*:acme_inspect_0123abcd:secret"
