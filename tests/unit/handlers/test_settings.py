from collections.abc import Iterator

import pytest

from handlers.settings.authorizer import authorizer_settings
from handlers.settings.backups import (
    backup_settings,
    drill_settings,
    history_settings,
    manage_settings,
    plan_settings,
    retention_schedule_settings,
    retention_settings,
    run_settings,
)
from handlers.settings.health import health_settings
from handlers.settings.network import network_settings
from handlers.settings.operation import operation_settings
from handlers.settings.query import query_settings
from tenantry.domain.errors import InvalidSetting
from tenantry.domain.retention_policy import RetentionPolicy

READERS = [
    health_settings,
    query_settings,
    authorizer_settings,
    plan_settings,
    run_settings,
    history_settings,
    drill_settings,
    backup_settings,
    manage_settings,
    network_settings,
    operation_settings,
    retention_schedule_settings,
    retention_settings,
]
NEEDED = {
    "STAGE": "test",
    "AWS_REGION": "ap-south-1",
    "TENANT_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
    "ISSUER": "https://login.example.com/",
    "AUDIENCE": "app",
    "REGISTRY_TABLE": "registry",
    "ERROR_COUNTS_TABLE": "errors",
    "BACKUP_BUCKET": "bucket",
    "BACKUP_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
    "BACKUP_FUNCTION_ARN": "arn:aws:lambda:ap-south-1:123456789012:function:back-up",
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    for reader in READERS:
        reader.cache_clear()
    yield
    for reader in READERS:
        reader.cache_clear()


def test_what_has_a_default_may_be_left_out() -> None:
    query = query_settings()
    assert (query.max_connections, query.per_tenant_compute, query.cors_origin) == (8, False, "*")
    assert authorizer_settings().issuer == "https://login.example.com"
    assert backup_settings().pg_client_directory == "/opt/bin"
    assert health_settings().cors_origin == "*"
    plan = plan_settings()
    assert (plan.bucket, plan.timezone, plan.window_start, plan.window_hours) == ("bucket", "UTC", 1, 4)
    assert drill_settings().pg_client_directory == "/opt/bin"
    assert (plan.at_once, history_settings().drills_at_once, retention_schedule_settings().at_once) == (4, 1, 4)
    assert run_settings().tolerated_percentage == 0
    assert [bucket.name for bucket in history_settings().buckets.all()] == ["bucket"]


def test_the_key_of_the_backups_is_for_the_stacks_own_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_KMS_KEY_ARN", "arn:key")
    monkeypatch.setenv("BACKUP_BUCKETS", "us-east-1=tenantry-test-backups-us")
    backup = backup_settings()
    assert [backup.kms_key_of(bucket) for bucket in backup.buckets.all()] == ["arn:key", ""]
    assert [bucket.name for bucket in manage_settings().buckets.all()] == [
        "bucket",
        "tenantry-test-backups-us",
    ]


def test_a_stack_keeps_what_its_policy_says_and_deletes_nothing_before_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert operation_settings().retention == RetentionPolicy()
    assert retention_schedule_settings().mode == retention_settings().mode == "DRY_RUN"
    for reader in (operation_settings, retention_settings):
        reader.cache_clear()
    monkeypatch.setenv("RETENTION", "daily=3")
    assert operation_settings().retention == retention_settings().retention == RetentionPolicy(daily=3)


def test_prices_are_the_projects_own_where_no_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operation_settings().price_file == ""
    operation_settings.cache_clear()
    monkeypatch.setenv("PRICE_FILE", "prices/own.json")
    assert operation_settings().price_file == "prices/own.json"


def test_an_environment_of_one_tenant_keeps_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_ISOLATION", "PER_TENANT")
    monkeypatch.setenv("MAX_CONNECTIONS", "8")
    assert query_settings().max_connections == 1


@pytest.mark.parametrize("value", ["ten", "-1", "1.5", "٣"])
def test_a_number_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MAX_ROWS", value)
    with pytest.raises(InvalidSetting, match="MAX_ROWS"):
        query_settings()


@pytest.mark.parametrize("name", ["STAGE", "TENANT_ROLE_ARN", "ERROR_COUNTS_TABLE"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " ")
    with pytest.raises(InvalidSetting, match=name):
        query_settings()
