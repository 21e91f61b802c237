"""Databases that can't be adopted are refused, and stay unchanged."""

from contextlib import closing
from typing import Any

import pytest

from tenantry.domain.errors import BadRequest, Conflict, DependencyFailed
from tenantry.domain.patience import Patience
from tenantry.domain.tenant import TenantId
from tests.integration.tenants.adoption.conftest import Legacy, assert_untouched, names


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "not it"}, "login_refused"),
        ({"user": "nobody"}, "login_refused"),
        ({"database": "nothing-here"}, "database_unknown"),
        ({"host": "db.example.com"}, "other_server"),
        ({"port": 1}, "other_server"),
        ({"region": "us-east-1"}, "other_region"),
        ({"schema": "missing"}, "schema_unknown"),
    ],
)
def test_what_is_not_as_the_request_says_changes_nothing(legacy: Legacy, change: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        legacy.adopt(**change)
    assert refusal.value.code == code
    assert_untouched(legacy)


def test_the_servers_own_database_is_not_adopted(legacy: Legacy) -> None:
    server = legacy.world.server
    with pytest.raises(BadRequest) as refusal:
        legacy.adopt(database="postgres", user=server.admin_user, password=server.admin_password)
    assert refusal.value.code == "database_reserved"


def test_a_database_is_one_tenants_only(legacy: Legacy) -> None:
    second = TenantId(f"{legacy.name}-2")
    with pytest.raises(DependencyFailed):
        legacy.adopt("make_roles")
    with pytest.raises(Conflict) as half_way:
        legacy.adopt(tenant_id=second)
    legacy.adopt()
    legacy.world.registry.delete_tenant(legacy.tenant_id)
    with pytest.raises(Conflict) as by_its_own_word:
        legacy.adopt(tenant_id=second)
    assert {half_way.value.code, by_its_own_word.value.code} == {"database_taken"}
    assert legacy.world.registry.tenant(second) is None


def test_a_tenant_that_is_there_is_not_overwritten(legacy: Legacy) -> None:
    taken = legacy.world.tenants[0]
    before = legacy.world.registry.tenant(taken)
    with pytest.raises(Conflict) as refusal:
        legacy.adopt(tenant_id=taken)
    assert refusal.value.code == "tenant_exists"
    assert legacy.world.registry.tenant(taken) == before


def test_a_database_in_a_long_transaction_is_left_alone_and_adopted_later(
    legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenantry.database.patience.DEFAULT_PATIENCE", Patience(seconds=2))
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT count(*) FROM people")
        with pytest.raises(Conflict) as refusal:
            legacy.adopt()
        assert refusal.value.code == "database_busy"
        cursor.execute("INSERT INTO people (name) VALUES ('Edith'); COMMIT")
    owners = legacy.world.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename = 'people'", legacy.name)
    assert owners == [(legacy.user,)]
    legacy.adopt()
    assert names(legacy.world, legacy.tenant_id) == ["Ada", "Grace"]
