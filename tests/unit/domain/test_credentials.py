import json

import pytest

from tenantry.domain.credentials import Credentials, parse_credentials, secret_name
from tenantry.domain.errors import InvalidSetting
from tenantry.domain.pooler import Pooler
from tenantry.domain.tenant import Isolation, TenantId

HAND_MADE = {"host": "db.example.com", "port": "5432", "database": "acme", "user": "acme", "password": "hunter2hunter2"}


def test_what_is_written_can_be_read_again() -> None:
    credentials = Credentials("h", 5432, "d", "u", "p", "verify-full", "-----BEGIN", Isolation.SCHEMA, "acme")
    assert parse_credentials(credentials.to_json()) == credentials
    assert json.loads(credentials.to_json())["engine"] == "postgres"


def test_a_secret_made_by_hand_works_as_it_is() -> None:
    credentials = parse_credentials(json.dumps(HAND_MADE))
    assert (credentials.dbname, credentials.username, credentials.port) == ("acme", "acme", 5432)
    assert (credentials.sslmode, credentials.isolation, credentials.schema) == ("require", Isolation.DATABASE, "public")


@pytest.mark.parametrize("host", [None, "pooler.internal"])
def test_a_secret_may_name_a_pooler(host: str | None) -> None:
    pooler = {"mode": "transaction", "port": 6432} | ({"host": host} if host else {})
    credentials = parse_credentials(json.dumps(HAND_MADE | {"pooler": pooler}))
    assert (credentials.port, credentials.pooler) == (5432, Pooler(6432, host))
    assert json.loads(credentials.to_json())["pooler"] == pooler
    assert "pooler" not in json.loads(parse_credentials(json.dumps(HAND_MADE)).to_json())


def test_the_server_is_verified_where_its_authority_is_known() -> None:
    credentials = parse_credentials(json.dumps(HAND_MADE | {"sslrootcert": "-----BEGIN CERTIFICATE-----"}))
    assert credentials.sslmode == "verify-full"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"host": None}, "host"),
        ({"host": ""}, "host"),
        ({"port": "x"}, "port"),
        ({"port": 70000}, "port"),
        ({"password": 7}, "password"),
        ({"user": "a\x00b"}, "username"),
        ({"sslmode": "maybe"}, "sslmode"),
        ({"isolation": "shared"}, "isolation"),
        ({"pooler": "transaction"}, "pooler"),
        ({"pooler": {"port": 6432}}, "pooler"),
        ({"pooler": {"mode": "session", "port": 6432}}, "pooler"),
        ({"pooler": {"mode": "transaction", "port": True}}, "pooler"),
        ({"pooler": {"mode": "transaction", "port": 0}}, "pooler"),
        ({"pooler": {"mode": "transaction", "port": 6432, "host": ""}}, "pooler"),
    ],
)
def test_a_malformed_field_is_named_and_its_value_is_not(change: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_credentials(json.dumps(HAND_MADE | change))
    assert f"'{named}'" in refusal.value.message
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "hunter2", "[]", '"hunter2"', "{"])
def test_what_is_no_json_object_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_credentials(text)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_the_password_does_not_show() -> None:
    assert "hunter2" not in repr(parse_credentials(json.dumps(HAND_MADE)))


def test_secrets_are_named_by_stage_and_tenant() -> None:
    assert secret_name("prod", TenantId("acme")) == "tenantry/prod/tenants/acme"
