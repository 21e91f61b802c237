"""Nothing that a tenant has made in its home ever runs with the administrator's rights."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from local.postgres_server import ADMIN_USER
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.homes import copy_login as copying
from tenantry.servers.servers import open_admin
from tenantry.servers.tenant_removal import TenantRemoval
from tests.integration.conftest import World
from tests.integration.homes.conftest import home, new_id, provision, remove, rows

OWN = [Isolation.DATABASE, Isolation.SCHEMA]
# Makes a login of its own a superuser, if the session that runs it may, whatever role that has become.
HARM = """
CREATE FUNCTION {schema}.harm() RETURNS boolean LANGUAGE plpgsql AS $harm$
BEGIN
    PERFORM set_config('role', 'none', true);
    ALTER ROLE "{tenant}_login_a" SUPERUSER;
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN true;
END $harm$;
"""
TRAPS = {
    "operator": """
        -- So cheap that it comes before every other condition.
        CREATE FUNCTION {schema}.same(oid, regclass) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
            'BEGIN RETURN {schema}.harm(); END';
        CREATE OPERATOR {schema}.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = {schema}.same)""",
    "revision": """
        ALTER TABLE {schema}.alembic_version RENAME TO version;
        CREATE VIEW {schema}.alembic_version AS SELECT version_num FROM {schema}.version WHERE {schema}.harm()""",
    "old revision": """
        DELETE FROM {schema}.alembic_version;
        DROP TABLE {schema}.candidates CASCADE;
        CREATE FUNCTION {schema}.pull() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM {schema}.harm(); RETURN NEW; END';
        CREATE TRIGGER pull BEFORE INSERT ON {schema}.alembic_version FOR EACH ROW EXECUTE FUNCTION {schema}.pull()""",
}


@pytest.fixture
def victim(world: World) -> Iterator[TenantId]:
    made = new_id("v")
    yield made
    remove(world, made)


@pytest.mark.parametrize("isolation", OWN)
@pytest.mark.parametrize("trap", TRAPS)
def test_no_trap_of_a_tenants_is_sprung_by_the_administrator(
    world: World, victim: TenantId, isolation: Isolation, trap: str
) -> None:
    credentials = provision(world, victim, isolation)
    names = {"schema": f'"{credentials.schema}"', "tenant": victim.value}
    script = (HARM + TRAPS[trap]).format(**names)
    rows(world, credentials, script, owner_role(victim))
    administrator = Credentials(
        world.server.host, world.server.port, "postgres", ADMIN_USER, world.server.admin_password, "disable"
    )
    admin = open_admin(administrator).home(victim, home(world, victim).home)
    for step in (admin.grant, admin.upgrade, admin.size, admin.fence, admin.unfence, admin.close, admin.open):
        # What the tenant has broken may be refused.
        with suppress(TenantryError):
            step()
        assert not is_superuser(world, victim), step.__name__
    ((left,),) = world.execute(f"SELECT count(*) FROM pg_roles WHERE rolname = '{victim}_copy'")
    assert left == 0


def is_superuser(world: World, tenant_id: TenantId) -> bool:
    ((found,),) = world.execute(f"SELECT bool_or(rolsuper) FROM pg_roles WHERE starts_with(rolname, '{tenant_id}_')")
    return bool(found)


@pytest.mark.parametrize("isolation", OWN)
def test_the_login_of_a_copy_that_was_cut_goes_with_the_tenant(
    world: World, victim: TenantId, isolation: Isolation
) -> None:
    provision(world, victim, isolation)
    place = home(world, victim)
    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
        # Whoever is killed drops nothing.
        patch.setattr(copying, "drop_copy_login", lambda *_: None)
        with copying.copy_login(world.admin, victim, place.home.database):
            raise KeyboardInterrupt
    removal = TenantRemoval(world.admin)
    roles = removal.find_roles(victim)
    assert f"{victim}_copy" in roles
    place.drop()
    removal.drop_roles(roles)
    assert removal.find_roles(victim) == []
