"""The credentials of servers' administrators are kept for a few seconds, and no longer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials

REGION = "ap-south-1"
ADMINISTRATOR = Credentials("db.example.com", 5432, "postgres", "keeper", "first")
CHANGED = replace(ADMINISTRATOR, password="second")


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which a test moves on."""
    now = [1000.0]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("tenantry.aws.secret_store.time.monotonic", lambda: now[0])
    with mock_aws():
        yield now


def stores() -> tuple[ServerSecrets, ServerSecrets]:
    client = aws_client("secretsmanager", REGION)
    return ServerSecrets(client, "test"), ServerSecrets(client, "test")


def test_what_another_process_writes_is_found_ten_seconds_later(seconds: list[float]) -> None:
    mine, others = stores()
    mine.write("north", ADMINISTRATOR)
    assert mine.find("north") == ADMINISTRATOR
    others.write("north", CHANGED)
    seconds[0] += 9.9
    assert mine.find("north") == ADMINISTRATOR
    seconds[0] += 0.1
    assert mine.find("north") == CHANGED


def test_what_is_written_here_is_found_at_once(seconds: list[float]) -> None:
    mine, _ = stores()
    mine.write("north", ADMINISTRATOR)
    assert mine.find("north") == ADMINISTRATOR
    mine.write("north", CHANGED)
    assert mine.find("north") == CHANGED


def test_another_piece_of_work_reads_anew(seconds: list[float]) -> None:
    mine, others = stores()
    mine.write("north", ADMINISTRATOR)
    assert mine.find("north") == ADMINISTRATOR
    others.write("north", CHANGED)
    mine.forget()
    assert mine.find("north") == CHANGED


def test_each_server_has_its_own_and_none_is_not_kept(seconds: list[float]) -> None:
    mine, others = stores()
    mine.write("north", ADMINISTRATOR)
    assert mine.find("north") == ADMINISTRATOR
    assert mine.find("south") is None
    others.write("south", CHANGED)
    assert (mine.find("north"), mine.find("south")) == (ADMINISTRATOR, CHANGED)
