"""An adopted database goes on being its application's: whoever owns what, it is backed up, drilled and restored."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenantry.domain.ulid import new_ulid
from tenantry.restores.drills.drill import DrillAdapters, DrillOrder, Drills
from tenantry.restores.drills.verification_store import VerificationStore
from tests.hostile.adopted_database.test_drills_and_restores import Adopted
from tests.integration.restores.conftest import Vault

# What an application may go on to make after the adoption, as a role of its own.
MADE_LATER = """
CREATE SCHEMA reports;
CREATE TABLE reports.monthly (
    id serial PRIMARY KEY, "Total" numeric, twice numeric GENERATED ALWAYS AS ("Total" * 2) STORED
);
INSERT INTO reports.monthly ("Total") VALUES (1.50), (NULL), (3);
CREATE TABLE reports.nothing ();
INSERT INTO reports.nothing DEFAULT VALUES;
CREATE TABLE public.notes (id int PRIMARY KEY, body text, whose name DEFAULT current_user);
INSERT INTO notes VALUES (1, E'a\\nb\\t\\\\'), (2, 'c');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notes AS RESTRICTIVE TO {user} USING (false);
CREATE TABLE reports.guarded (id int); INSERT INTO reports.guarded VALUES (1);
ALTER TABLE reports.guarded ENABLE ROW LEVEL SECURITY;
CREATE SEQUENCE reports.numbers START 5; SELECT nextval('reports.numbers');
CREATE STATISTICS reports.of_monthly ON id, "Total" FROM reports.monthly;
CREATE COLLATION reports."As is" FROM "C";
CREATE FUNCTION reports.same(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a = b';
CREATE OPERATOR reports.=== (FUNCTION = reports.same, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION reports.turned(a int) RETURNS int LANGUAGE sql AS 'SELECT -a';
CREATE OPERATOR reports.!- (FUNCTION = reports.turned, RIGHTARG = int);
CREATE TEXT SEARCH DICTIONARY reports.plain (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION reports.plain (COPY = simple);
CREATE CONVERSION reports.turned FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
SELECT lo_from_bytea(4711, 'of the application');
ALTER DEFAULT PRIVILEGES IN SCHEMA reports GRANT SELECT ON TABLES TO {viewer};
GRANT USAGE ON SCHEMA reports TO {viewer};
GRANT SELECT ON reports.monthly TO {viewer} WITH GRANT OPTION;
"""
# What an administrator, and somebody else yet, have in it.
BESIDE = """
CREATE FUNCTION watches() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watches();
COMMENT ON EVENT TRIGGER watching IS 'only a superuser may';
CREATE TABLE of_the_administrator (id int); INSERT INTO of_the_administrator VALUES (1);
CREATE SCHEMA guest AUTHORIZATION {guest};
SET ROLE {guest};
CREATE TABLE guest.book (id int); INSERT INTO guest.book VALUES (1), (2);
CREATE FUNCTION guest.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE guest.colour AS ENUM ('red');
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {user};
RESET ROLE;
"""
# Read from the catalogue as an administrator: who owns what, and who may do what with it.
OWNERS = """
SELECT kind, name, owner, ARRAY(SELECT one::text FROM unnest(acl) one ORDER BY one::text) FROM (
    SELECT 'schema', nspname::text, nspowner::regrole::text, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace
    UNION ALL
    SELECT relkind::text, relnamespace::regnamespace::text || '.' || relname, relowner::regrole::text,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class WHERE relkind IN ('r', 'S')
    UNION ALL
    SELECT 'function', proname, proowner::regrole::text, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'large object', oid::text, lomowner::regrole::text, coalesce(lomacl, acldefault('L', lomowner))
    FROM pg_largeobject_metadata
    UNION ALL SELECT 'statistics', stxname, stxowner::regrole::text, NULL FROM pg_statistic_ext
    UNION ALL SELECT 'collation', collname, collowner::regrole::text, NULL FROM pg_collation WHERE oid >= 16384
    UNION ALL
    SELECT 'operator', oid::regoperator::text, oprowner::regrole::text, NULL FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'dictionary', dictname, dictowner::regrole::text, NULL FROM pg_ts_dict WHERE oid >= 16384
    UNION ALL SELECT 'configuration', cfgname, cfgowner::regrole::text, NULL FROM pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'conversion', conname, conowner::regrole::text, NULL FROM pg_conversion WHERE oid >= 16384
    UNION ALL SELECT 'policies', relname, relrowsecurity || '/' || relforcerowsecurity, NULL FROM pg_class
    UNION ALL SELECT 'policy', polname, polroles::regrole[]::text || polpermissive::text, NULL FROM pg_policy
    UNION ALL
    SELECT 'default', defaclobjtype::text || defaclnamespace::regnamespace, defaclrole::regrole::text, defaclacl
    FROM pg_default_acl
) found (kind, name, owner, acl)
WHERE name !~ '^(pg_|information_schema)' AND (kind, name) <> ('schema', 'public')
ORDER BY 1, 2, 3
"""


def state(vault: Vault, adopted: Adopted) -> list[Any]:
    return vault.execute("here", OWNERS, adopted.database)


@pytest.fixture
def adopted(vault: Vault, request: pytest.FixtureRequest) -> Iterator[Adopted]:
    made = Adopted(vault, request.param)
    try:
        yield made
    finally:
        made.drop()


def drill(vault: Vault, adopted: Adopted, *, elsewhere: bool) -> Any:
    there = vault.servers.get("there")
    vault.world.registry.put_server(replace(there, labels=frozenset({"drills"} if elsewhere else set())))
    backup = vault.back_up(adopted.tenant_id)
    adapters = DrillAdapters(
        vault.world.registry,
        vault.servers,
        vault.catalogue,
        VerificationStore({backup.bucket: vault.s3}),
        vault.scratches(),
        vault.leases,
    )
    found, _ = Drills(adapters).drill(DrillOrder(adopted.tenant_id, backup.backup_id, new_ulid(datetime.now(UTC))))
    return found


@pytest.mark.parametrize("adopted", ["owned-by-others"], indirect=True)
@pytest.mark.parametrize("kind", ["its own", "shared with another database", "a superuser's"])
def test_what_the_application_makes_later(vault: Vault, adopted: Adopted, kind: str) -> None:
    """The application makes a schema, tables with policies, large objects: all comes back as it was."""
    shared, superuser = kind.startswith("shared"), kind.startswith("a super")
    adopted.adopt(shared_with="another-of-it" if shared else "", superuser=superuser)
    roles = {"user": f'"{adopted.user}"', "viewer": f'"{adopted.tenant_id}_viewer"'}
    adopted.run(MADE_LATER.format(**roles))
    vault.execute("here", f'CREATE ROLE "{adopted.guest}"')
    vault.execute("here", BESIDE.format(guest=f'"{adopted.guest}"', user=roles["user"]), adopted.database)
    others = [vault.postgres["here"].admin_user]
    before = state(vault, adopted)
    elsewhere = drill(vault, adopted, elsewhere=True)
    assert (elsewhere.server_id, elsewhere.passed) == ("there", True)
    assert elsewhere.left_out == sorted([adopted.user, adopted.guest, *others])
    here = drill(vault, adopted, elsewhere=False)
    assert (here.server_id, here.passed, here.left_out) == (
        "here",
        True,
        sorted([*others, *([adopted.user] if superuser else [])]),
    )

    backup = vault.back_up(adopted.tenant_id)
    assert backup.manifest
    rows = {f"{t.schema_name}.{t.table}": t.rows for t in backup.manifest.tables}
    assert (rows["reports.monthly"], rows["public.notes"]) == (3, 2)
    assert rows["reports.nothing"] == rows["reports.guarded"] == 1
    assert (rows["guest.book"], rows["public.of_the_administrator"]) == (2, 1)
    assert [gone.name for gone in backup.manifest.left_out if gone.kind == "event trigger"] == ["watching"]
    assert backup.manifest.large_objects
    assert backup.manifest.sequences['"reports".numbers'].startswith("5 ")
    vault.execute("here", "DELETE FROM reports.monthly; SELECT lo_put(4711, 0, 'gone')", adopted.database)
    done = vault.perform_well(vault.start(backup))
    assert done.facts["roles_left_out"] == here.left_out
    after = state(vault, adopted)
    if superuser:
        # What is in a backup never becomes a superuser's, who may do everything with it all the same.
        assert adopted.user not in {owner for kind, _, owner, _ in after if kind != "default"}
    else:
        # What is in a backup never becomes an administrator's either.
        owner = f"{adopted.tenant_id}_owner"
        kept = [one for one in before if "administrator" not in one[1] and one[1] != "watches"]
        assert [one for one in after if "administrator" not in one[1] and one[1] != "watches"] == kept
        owners = {name: whose for kind, name, whose, _ in after if kind in {"r", "function"}}
        assert (owners["public.of_the_administrator"], owners["watches"]) == (owner, owner)
        whose = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
        assert vault.execute("here", whose, adopted.database) == [("pg_database_owner",)]
    assert vault.execute("here", "SELECT count(*) FROM reports.monthly", adopted.database) == [(3,)]
    adopted.run('INSERT INTO reports.monthly ("Total") VALUES (7); CREATE TABLE reports.more (id int)')
    assert vault.execute("here", "SELECT convert_from(lo_get(4711), 'UTF8')", adopted.database) == [
        ("of the application",)
    ]
    vault.perform_well(vault.relocations.confirm(adopted.tenant_id, "op-1"))
