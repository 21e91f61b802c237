"""A database is adopted whose application logs in with a name that a tenant's role would have."""

from contextlib import closing

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import World
from tests.integration.homes.conftest import new_id, provision, remove
from tests.integration.tenants.adoption.conftest import Legacy


@pytest.mark.parametrize("suffix", ["owner", "editor", "viewer", "login_a", "login_b", "copy"])
def test_the_application_goes_on_where_its_login_has_a_tenants_name(
    world: World, legacy: Legacy, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """`bistro` is adopted, and its application logs in as `bistro_owner`: refused, and it still logs in."""
    user = f"{legacy.name}_{suffix}"
    world.execute(f'ALTER ROLE "{legacy.user}" RENAME TO "{user}"')
    monkeypatch.setattr(Legacy, "user", property(lambda _: user))
    before = world.execute(f"SELECT * FROM pg_authid WHERE rolname = '{user}'")
    with pytest.raises(Conflict) as refusal:
        legacy.adopt()
    assert refusal.value.code == "name_taken"
    assert world.execute(f"SELECT * FROM pg_authid WHERE rolname = '{user}'") == before
    assert legacy.roles() == [(user,)]
    assert (legacy.status(), world.secrets.find(legacy.tenant_id)) == (None, None)
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people")
        assert cursor.fetchone() == (2,)


def test_an_adopted_databases_login_is_no_other_tenants_role(world: World, legacy: Legacy) -> None:
    """The application of an adopted database logs in as `corp_owner`; nobody gets the tenant `corp` by that."""
    corp = new_id("c")
    world.execute(f'ALTER ROLE "{legacy.user}" RENAME TO "{corp}_owner"')
    try:
        legacy.adopt(user=f"{corp}_owner")
        with pytest.raises(Conflict) as refusal:
            provision(world, corp)
        assert refusal.value.code == "name_taken"
        assert world.registry.tenant(corp) is None
        options = {"user": f"{corp}_owner", "password": legacy.request().password}
        with closing(world.server.connect(legacy.name, **options)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM people")
    finally:
        world.execute(f'ALTER ROLE "{corp}_owner" RENAME TO "{legacy.user}"')
        remove(world, corp)


def test_an_adopted_tenants_application_stays_a_member(world: World, legacy: Legacy) -> None:
    """What adoption made the application a member of is no foreign membership: it goes on when that is repeated."""
    legacy.adopt()
    legacy.adopt()
    rows = world.execute(
        f"""SELECT g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
            JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = '{legacy.user}'"""
    )
    assert rows == [(f"{legacy.name}_owner",)]
    assert TenantId(legacy.name) == legacy.tenant_id
