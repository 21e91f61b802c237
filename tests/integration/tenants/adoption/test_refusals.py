"""Databases that can't be adopted are refused, and stay unchanged."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tenantry.domain.errors import BadRequest, Conflict, DependencyFailed
from tenantry.domain.patience import Patience
from tenantry.domain.tenant import TenantId
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.tenants.adoption.conftest import PASSWORD, Legacy, assert_untouched, names


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


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE FUNCTION me() RETURNS int LANGUAGE internal AS 'pg_backend_pid'", "function me() (internal)"),
        ("CREATE FUNCTION leaks() RETURNS int LEAKPROOF LANGUAGE sql AS 'SELECT 1'", "function leaks() (leakproof)"),
        ("CREATE PUBLICATION everything FOR ALL TABLES", "publication everything"),
        ("CREATE FOREIGN DATA WRAPPER elsewhere", "foreign-data wrapper elsewhere"),
        (
            "CREATE OPERATOR CLASS odd FOR TYPE int USING hash AS OPERATOR 1 =",
            "operator class odd, operator family odd",
        ),
    ],
)
def test_what_no_backup_brings_back_is_told_before(legacy: Legacy, made: str, named: str) -> None:
    """Only a superuser may make these: a drill, which restores as the tenant's owner, would never pass."""
    legacy.world.execute(made, legacy.name)
    with pytest.raises(BadRequest) as refusal:
        legacy.adopt()
    assert (refusal.value.code, refusal.value.details) == ("unrestorable", named)
    assert_untouched(legacy)


def test_others_things_need_an_administrator_that_can_have_them_read(legacy: Legacy) -> None:
    """An administrator that is no superuser can't: what others own would never be in a backup."""
    world, plain = legacy.world, f"{legacy.name}_plain"
    world.execute("CREATE TABLE of_the_superuser (id int)", legacy.name)
    world.execute(f"CREATE ROLE \"{plain}\" LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'")
    try:

        def connect(database: str) -> Any:
            connection = world.server.connect(database, user=plain, password=PASSWORD)
            connection.autocommit = True
            return connection

        facts = ServerAdmin(connect).adoption_facts(legacy.tenant_id, legacy.name, legacy.user, "public")
        assert facts
        assert facts.others == [world.server.admin_user]
        assert ServerAdmin(world.admin).adoption_facts(legacy.tenant_id, legacy.name, legacy.user, "public") == replace(
            facts, others=[]
        )
    finally:
        world.execute(f'DROP ROLE "{plain}"')


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
