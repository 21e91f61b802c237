from collections.abc import Iterator

import pytest

from tenantry import settings
from tenantry.domain.errors import InvalidSetting

READERS = [
    settings.health_settings,
    settings.query_settings,
    settings.authorizer_settings,
    settings.schedule_settings,
    settings.backup_settings,
]
NEEDED = {
    "STAGE": "test",
    "AWS_REGION": "ap-south-1",
    "TENANT_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
    "ISSUER": "https://login.example.com/",
    "AUDIENCE": "app",
    "REGISTRY_TABLE": "registry",
    "BACK_UP_FUNCTION": "back-up",
    "BACKUP_BUCKET": "bucket",
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
    query = settings.query_settings()
    assert (query.max_connections, query.per_tenant_compute, query.cors_origin) == (8, False, "*")
    assert settings.authorizer_settings().issuer == "https://login.example.com"
    assert settings.backup_settings().pg_client_directory == "/opt/bin"
    assert settings.health_settings().cors_origin == "*"
    assert settings.schedule_settings().back_up_function == "back-up"


def test_an_environment_of_one_tenant_keeps_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_ISOLATION", "PER_TENANT")
    monkeypatch.setenv("MAX_CONNECTIONS", "8")
    assert settings.query_settings().max_connections == 1


@pytest.mark.parametrize("value", ["ten", "-1", "1.5", "٣"])
def test_a_number_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MAX_ROWS", value)
    with pytest.raises(InvalidSetting, match="MAX_ROWS"):
        settings.query_settings()


@pytest.mark.parametrize("name", ["STAGE", "TENANT_ROLE_ARN"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " ")
    with pytest.raises(InvalidSetting, match=name):
        settings.query_settings()
