"""What a backup, a move and a drill count and compare is what is there, whatever functions the tenant has made."""

from contextlib import closing
from dataclasses import replace

import pytest

from tenantry.backups.logins import choose_logins
from tenantry.backups.snapshot import Snapshot
from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.backup_facts import LargeObjects
from tenantry.domain.content import Content, Counting, Sample
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tests.integration.conftest import World

SHADOWS = {
    "a hash": """CREATE FUNCTION public.hashtextextended(text, integer) RETURNS bigint LANGUAGE sql AS
                 'SELECT 1::bigint';
                 CREATE FUNCTION public.hashint8extended(bigint, integer) RETURNS bigint LANGUAGE sql AS
                 'SELECT 1::bigint'""",
    "a remainder": """CREATE FUNCTION public.mod(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'""",
    "the tables": """CREATE FUNCTION public.jsonb_agg(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '[]'::jsonb $$;
                     CREATE FUNCTION public.pg_get_serial_sequence(text, name) RETURNS text LANGUAGE sql AS
                     $$ SELECT 'public.other' $$;
                     CREATE FUNCTION public.never(oid, regclass) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                     CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.never)""",
}


def read(world: World, tenant_id: TenantId, samples: dict[tuple[str, str], Sample] | None = None) -> Content:
    home = Home("", Isolation.DATABASE, tenant_id.value, "public")
    with ContentReader(Access(home, world.credentials[tenant_id], owner_role(tenant_id)), ConnectSettings()) as reader:
        return reader.content(Counting(samples=samples or {}))


@pytest.mark.parametrize("shadow", SHADOWS.values(), ids=SHADOWS.keys())
def test_a_function_of_a_tenants_own_hides_no_difference(world: World, shadow: str) -> None:
    """Makes functions that PostgreSQL would rather choose than its own: content that differs is told apart."""
    tenant_id = world.add_tenant(20)
    samples = {("public", "candidates"): Sample(2, ("id",))}
    plain, sampled = read(world, tenant_id), read(world, tenant_id, samples)
    world.execute(shadow, tenant_id.value, owner_role(tenant_id))
    assert read(world, tenant_id) == plain
    assert read(world, tenant_id, samples) == sampled
    world.execute("UPDATE candidates SET name = 'somebody else'", tenant_id.value, owner_role(tenant_id))
    assert read(world, tenant_id) != plain
    assert read(world, tenant_id, samples) != sampled


def test_a_table_hides_behind_no_other_ones_name(world: World) -> None:
    """Names tables like the large objects, or like a table of another schema: each is counted and compared."""
    tenant_id = world.add_tenant(1)
    owner = owner_role(tenant_id)
    places = [("s", "t"), ("public", '"s".t'), ('s".t', "t"), ("public", '"s"".t".t'), ("public", "large objects")]
    tables = ['"{}"."{}"'.format(*(name.replace('"', '""') for name in place)) for place in places]
    made = [
        f'CREATE TABLE {table} AS SELECT {n} AS n; CREATE SEQUENCE {table[:-1]}_q"' for n, table in enumerate(tables)
    ]
    make = f"""CREATE SCHEMA s; CREATE SCHEMA "s"".t"; {"; ".join(made)}; SELECT lo_from_bytea(0, 'data')"""
    others = read(world, tenant_id)
    world.execute(make, tenant_id.value, owner)
    before = read(world, tenant_id)
    assert before.large_objects
    assert (before.large_objects.rows, len(before.tables)) == (1, len(others.tables) + len(tables))
    assert len([name for name in before.sequences if "_q" in name]) == len(tables)
    logins = choose_logins(tenant_id, world.credentials[tenant_id], None, ConnectSettings())
    with closing(Snapshot(tenant_id, logins, ConnectSettings(), patience=5)) as snapshot:
        counted = snapshot.count_rows()
    digests = {(table.schema_name, table.table): table.digest for table in counted.tables}
    assert len({digests[place] for place in places}) == len(places)
    assert counted.large_objects == LargeObjects(count=1, digest=before.large_objects.digest)
    for table in tables:
        world.execute(f"UPDATE {table} SET n = n + 100", tenant_id.value, owner)
        after = read(world, tenant_id)
        assert len(after.differences(before)) == 1, table
        before = after


def test_a_manifest_says_what_is_so(world: World) -> None:
    """Makes functions that answer for what a manifest says of the database: it says what PostgreSQL says."""
    tenant_id = world.add_tenant(1)
    logins = choose_logins(tenant_id, world.credentials[tenant_id], None, ConnectSettings())
    with closing(Snapshot(tenant_id, logins, ConnectSettings(), patience=5)) as snapshot:
        before = snapshot.facts
    forge = """CREATE FUNCTION public.to_jsonb(pg_database) RETURNS jsonb LANGUAGE sql AS
               $$ SELECT '{"datlocale": "forged", "daticulocale": "forged"}'::jsonb $$"""
    world.execute(forge, tenant_id.value, owner_role(tenant_id))
    with closing(Snapshot(tenant_id, logins, ConnectSettings(), patience=5)) as snapshot:
        after = snapshot.facts
    sizes = {"size_bytes": 0}
    assert after.database.model_copy(update=sizes) == before.database.model_copy(update=sizes)
    assert after.database.locale != "forged"


def test_a_limit_is_not_lifted_by_a_function_of_a_tenants_own(world: World) -> None:
    """Makes the functions that look up how long a statement may take: the limit that an operator set holds."""
    tenant_id = world.add_tenant(1)
    login = world.credentials[tenant_id].username
    lift = """CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT 'pg_monitor'::text $$;
              CREATE FUNCTION public.never(oid, regrole) RETURNS boolean LANGUAGE sql AS 'SELECT false';
              CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regrole, FUNCTION = public.never)"""
    world.execute(lift, tenant_id.value, owner_role(tenant_id))
    world.execute(f'GRANT USAGE ON SCHEMA public TO "{login}"', tenant_id.value, owner_role(tenant_id))
    world.execute(f"ALTER ROLE \"{login}\" SET statement_timeout = '1234'")
    settings = replace(ConnectSettings(), statement_timeout_ms=9000)
    with closing(TenantConnection(tenant_id, world.credentials[tenant_id], settings)) as connection:
        assert connection.read_json("SELECT current_setting('statement_timeout')", ()) == "1234ms"
