"""Which hosts a certificate is for, as libpq 17 was seen to decide it."""

from typing import Any

import pytest

from tenantry.servers.certificate_names import names_host


def certificate(common_name: str, *alternatives: tuple[str, str]) -> dict[str, Any]:
    return {
        "subject": ((("organizationName", "Acme"),), (("commonName", common_name),)),
        "subjectAltName": alternatives,
    }


@pytest.mark.parametrize(
    ("names", "host", "is_for"),
    [
        (certificate("x", ("DNS", "db-1.internal")), "DB-1.internal", True),
        (certificate("x", ("DNS", "db-1.internal")), "db-2.internal", False),
        (certificate("x", ("DNS", "*.internal")), "db-1.internal", True),
        (certificate("x", ("DNS", "*.internal")), "a.db-1.internal", False),
        (certificate("x", ("DNS", "*.internal")), ".internal", False),
        (certificate("x", ("DNS", "db-*.internal")), "db-1.internal", False),
        (certificate("x", ("DNS", "*")), "db-1", False),
        (certificate("x", ("IP Address", "10.1.2.3")), "10.1.2.3", True),
        (certificate("x", ("IP Address", "FD00:0:0:0:0:0:0:5\n")), "fd00::5", True),
        (certificate("x", ("DNS", "10.1.2.3")), "10.1.2.3", True),
        # The common name is looked at where there is no alternative of the host's kind.
        (certificate("db-1"), "db-1", True),
        (certificate("10.1.2.3"), "10.1.2.3", True),
        (certificate("db-1", ("IP Address", "10.1.2.3")), "db-1", True),
        (certificate("db-1", ("DNS", "db-2")), "db-1", False),
        (certificate("10.1.2.3", ("IP Address", "10.9.9.9")), "10.1.2.3", False),
        ({}, "db-1", False),
    ],
)
def test_a_certificate_is_for_a_host(names: dict[str, Any], host: str, is_for: bool) -> None:
    assert names_host(names, host) is is_for
