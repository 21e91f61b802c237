"""A tenant keeps its own viewer and editor out of something: no copy, move or restore may let them in again."""

from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tenantry.domain.errors import CopyFailed
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.restores.conftest import Vault

# Every way in which a tenant's owner may narrow, widen or pass on rights; `{t}` is its id.
RIGHTS = """
CREATE TABLE salaries (id int, amount int, note text);
INSERT INTO salaries VALUES (1, 1000, 'secret');
CREATE TABLE columns_only (id int, secret text);
CREATE TABLE passed_on (id int);
CREATE TABLE public_one (id int);
CREATE TABLE owners_own (id int);
CREATE TYPE grade AS ENUM ('low', 'high');
CREATE FUNCTION pay(grade, int[], VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE raise_all(INOUT n int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE most (int) (SFUNC = int4larger, STYPE = int);
CREATE SEQUENCE tickets;
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY);
CREATE VIEW paid WITH (security_invoker) AS SELECT * FROM salaries;
CREATE MATERIALIZED VIEW "Sum; of ""the"" pay" AS SELECT sum(amount) FROM salaries;
CREATE TABLE guarded (id int, whose text);
INSERT INTO guarded VALUES (1, 'a');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY for_editors ON guarded TO "{t}_editor" USING (true);
CREATE POLICY "not for viewers" ON guarded AS RESTRICTIVE TO "{t}_viewer" USING (false);
REVOKE ALL ON salaries, paid, "Sum; of ""the"" pay", columns_only, passed_on FROM "{t}_viewer", "{t}_editor";
GRANT SELECT (id), UPDATE (id) ON columns_only TO "{t}_editor";
GRANT SELECT ON passed_on TO "{t}_editor" WITH GRANT OPTION;
GRANT SELECT ON public_one TO PUBLIC;
REVOKE INSERT, UPDATE ON owners_own FROM "{t}_owner";
REVOKE ALL ON FUNCTION pay(grade, int[], text[]), most(int) FROM PUBLIC;
REVOKE ALL ON PROCEDURE raise_all(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pay(grade, int[], text[]) TO "{t}_editor";
REVOKE ALL ON TYPE grade FROM PUBLIC;
REVOKE ALL ON SEQUENCE tickets FROM "{t}_editor";
GRANT SELECT ON SEQUENCE tickets TO "{t}_viewer";
GRANT CREATE ON SCHEMA {s} TO "{t}_editor";
ALTER DEFAULT PRIVILEGES IN SCHEMA {s} REVOKE ALL ON TABLES FROM "{t}_viewer", "{t}_editor";
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO "{t}_viewer";
"""
AS_EDITOR = """
GRANT SELECT ON passed_on TO "{t}_viewer";
CREATE TABLE editors_own (id int);
GRANT SELECT ON editors_own TO "{t}_owner";
"""
# Only in a database of its own.
WHOLE = """
CREATE SCHEMA hidden;
CREATE TABLE hidden.inner_one (id int);
CREATE SCHEMA shown;
GRANT USAGE ON SCHEMA shown TO "{t}_viewer";
CREATE FUNCTION shown.named({s}.grade) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION shown.named({s}.grade) FROM PUBLIC;
SELECT lo_create(4711);
GRANT SELECT ON LARGE OBJECT 4711 TO "{t}_viewer";
GRANT CREATE ON DATABASE "{t}" TO "{t}_editor";
"""
# Another's way to see what everybody may do: by what each role is asked, and not by what is written down.
ASKED = """
SELECT kind, name, replace(role, '{t}_', ''), string_agg(privilege, ' ' ORDER BY privilege)
FROM (
    SELECT 'relation' AS kind, n.nspname || '.' || c.relname AS name, role, privilege
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest({roles}) role,
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'SELECT WITH GRANT OPTION']) privilege
    WHERE relkind IN ('r', 'v', 'm') AND has_table_privilege(role, c.oid, privilege)
    UNION ALL
    SELECT 'owner', n.nspname || '.' || c.relname, pg_get_userbyid(c.relowner), 'owns'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('r', 'v', 'm', 'S')
    UNION ALL
    SELECT 'column', n.nspname || '.' || c.relname || '.' || attname, role, privilege
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
         unnest({roles}) role, unnest(ARRAY['SELECT', 'UPDATE']) privilege
    WHERE attnum > 0 AND relkind = 'r' AND has_column_privilege(role, c.oid, attnum, privilege)
    UNION ALL
    SELECT 'sequence', n.nspname || '.' || c.relname, role, privilege
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest({roles}) role,
         unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) privilege
    WHERE CASE WHEN relkind = 'S' THEN has_sequence_privilege(role, c.oid, privilege) END
    UNION ALL
    SELECT 'routine', n.nspname || '.' || proname, role, 'EXECUTE'
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace, unnest({roles}) role
    WHERE has_function_privilege(role, p.oid, 'EXECUTE')
    UNION ALL
    SELECT 'type', n.nspname || '.' || typname, role, 'USAGE'
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace, unnest({roles}) role
    WHERE typtype = 'e' AND has_type_privilege(role, t.oid, 'USAGE')
    UNION ALL
    SELECT 'schema', n.nspname, role, privilege
    FROM pg_namespace n, unnest({roles}) role, unnest(ARRAY['USAGE', 'CREATE']) privilege
    WHERE has_schema_privilege(role, n.oid, privilege)
    UNION ALL
    SELECT 'policy', n.nspname || '.' || c.relname || '.' || polname, pg_get_userbyid(r), polpermissive::text
    FROM pg_policy JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace, unnest(polroles) r
    UNION ALL
    SELECT 'option', n.nspname || '.' || c.relname, '', array_to_string(reloptions, ',')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind = 'v'
) found
WHERE name !~ '^(pg_|information_schema)' AND ({schema} IS NULL OR split_part(name, '.', 1) = {schema})
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
LATER = """
SELECT replace(pg_get_userbyid(defaclrole), '{t}_', ''), defaclobjtype,
       CASE WHEN nspname = {schema} THEN 'main' ELSE nspname END,
       (SELECT string_agg(replace(a::text, '{t}_', ''), ' ' ORDER BY a::text) FROM unnest(defaclacl) a)
FROM pg_default_acl LEFT JOIN pg_namespace n ON n.oid = defaclnamespace
WHERE starts_with(pg_get_userbyid(defaclrole), '{t}_') AND (nspname IS NULL OR nspname = {schema})
ORDER BY 1, 2, 3
"""


def arrange(vault: Vault, isolation: Isolation, script: str = RIGHTS) -> TenantId:
    tenant = vault.add(isolation)
    schema = vault.credentials(tenant).schema
    run(vault, tenant, "owner", script, schema)
    if script is RIGHTS:
        run(vault, tenant, "editor", AS_EDITOR, schema)
        if isolation is Isolation.DATABASE:
            run(vault, tenant, "owner", WHOLE, schema)
    return tenant


def run(vault: Vault, tenant: TenantId, role: str, script: str, schema: str = "") -> None:
    with closing(vault.connect(tenant)) as session, session.cursor() as cursor:
        place = f'"{schema or vault.credentials(tenant).schema}"'
        cursor.execute(f'SET ROLE "{tenant}_{role}"; SET search_path = {place}')
        cursor.execute(script.replace("{t}", tenant.value).replace("{s}", place))


def rights(vault: Vault, tenant: TenantId, *, narrow: bool = False) -> list[Any]:
    """What everybody may do where the tenant lives now."""
    home = vault.home(tenant)
    roles = f"ARRAY['{tenant}_owner', '{tenant}_editor', '{tenant}_viewer']"
    schema = f"'{home.schema}'" if narrow or home.isolation is Isolation.SCHEMA else "NULL"
    asked = ASKED.replace("{roles}", roles).replace("{t}", tenant.value).replace("{schema}", schema)
    later = LATER.replace("{t}", tenant.value).replace("{schema}", f"'{home.schema}'")
    found = vault.execute(home.server_id, asked, home.database)
    named = [
        (kind, "main" + name.removeprefix(home.schema) if name.split(".")[0] == home.schema else name, role, what)
        for kind, name, role, what in found
    ]
    assert len(named) > 20
    return [*sorted(named), *vault.execute(home.server_id, later, home.database)]


def refused(vault: Vault, tenant: TenantId, role: str, statement: str) -> bool:
    with pytest.raises(psycopg2.Error) as error:
        run(vault, tenant, role, statement)
    return error.value.pgcode == "42501"


def assert_kept_out(vault: Vault, tenant: TenantId) -> None:
    """The smallest of it, as the tenant's own login tries it."""
    assert refused(vault, tenant, "viewer", "SELECT * FROM salaries")
    assert refused(vault, tenant, "editor", "INSERT INTO salaries VALUES (2, 2, '')")
    assert refused(vault, tenant, "viewer", "SELECT pay('low', ARRAY[1], 'a')")
    run(vault, tenant, "owner", "CREATE TABLE later (id int)")
    assert refused(vault, tenant, "viewer", "SELECT * FROM later")
    run(vault, tenant, "owner", "DROP TABLE later")


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_move_and_its_undo_keep_the_rights(vault: Vault, isolation: Isolation) -> None:
    """The owner shuts out viewer and editor; the tenant is moved, and brought back."""
    tenant = arrange(vault, isolation)
    before = rights(vault, tenant)
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert rights(vault, tenant) == before
    assert_kept_out(vault, tenant)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert rights(vault, tenant) == before
    assert_kept_out(vault, tenant)


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
@pytest.mark.parametrize("writes", [False, True])
def test_an_undo_keeps_out_who_was_shut_out_since(vault: Vault, isolation: Isolation, writes: bool) -> None:
    """After a move the owner shuts the viewer out; the move is undone, with and without rows written since."""
    tenant = vault.add(isolation)
    run(vault, tenant, "viewer", "SELECT FROM candidates")
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    run(vault, tenant, "owner", 'REVOKE ALL ON candidates FROM "{t}_viewer"')
    if writes:
        run(vault, tenant, "owner", "DELETE FROM candidates WHERE id = 1")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.home(tenant).server_id == "here"
    assert refused(vault, tenant, "viewer", "SELECT FROM candidates")


def test_a_promotion_and_its_undo_keep_the_rights(vault: Vault) -> None:
    """A schema's tenant gets a database of its own, shuts its editor out there, and is brought back."""
    tenant = arrange(vault, Isolation.SCHEMA)
    # Rows are brought back as the owner, who has to be able to.
    run(vault, tenant, "editor", "DROP TABLE editors_own")
    run(vault, tenant, "owner", 'GRANT ALL ON owners_own TO "{t}_owner"')
    before = rights(vault, tenant)
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    assert rights(vault, tenant, narrow=True) == before
    assert_kept_out(vault, tenant)
    run(vault, tenant, "owner", 'REVOKE ALL ON candidates FROM "{t}_editor"; DELETE FROM candidates WHERE id = 1')
    now = rights(vault, tenant, narrow=True)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert rights(vault, tenant) == now
    assert_kept_out(vault, tenant)


@pytest.mark.parametrize("isolation", [Isolation.SCHEMA, Isolation.DATABASE])
def test_a_pooled_tenant_gets_what_it_had(vault: Vault, isolation: Isolation) -> None:
    """A pooled tenant is promoted: viewer and editor may there what the pool let them do with their rows."""
    tenant = vault.add(Isolation.POOLED)
    vault.perform_well(vault.relocations.promote(tenant, isolation, "op-1"))
    run(vault, tenant, "viewer", "SELECT FROM candidates")
    run(vault, tenant, "editor", "UPDATE candidates SET name = name")
    assert refused(vault, tenant, "viewer", "DELETE FROM candidates")


def test_a_clone_has_the_rights_of_its_original(vault: Vault) -> None:
    """A tenant's functions and tables are kept from its viewer: the clone's viewer does not get at them either."""
    tenant = arrange(vault, Isolation.DATABASE)
    run(vault, tenant, "owner", "ALTER POLICY for_editors ON guarded TO PUBLIC")
    run(vault, tenant, "owner", 'DROP POLICY "not for viewers" ON guarded')
    clone = TenantId(f"{tenant}c")
    vault.made.append(clone)
    vault.perform_well(vault.clones.start(CloneOrder(tenant, clone), "op-1"))
    assert rights(vault, clone) == rights(vault, tenant)
    assert_kept_out(vault, clone)


def test_a_schemas_clone_has_the_rights_of_its_original(vault: Vault) -> None:
    """A schema's clone gets the tables of the revisions, with the rights that the original's have."""
    tenant = vault.add(Isolation.SCHEMA)
    run(vault, tenant, "owner", 'REVOKE ALL ON candidates FROM "{t}_viewer"')
    run(vault, tenant, "owner", 'GRANT SELECT (name) ON candidates TO "{t}_viewer"')
    clone = TenantId(f"{tenant}c")
    vault.made.append(clone)
    vault.perform_well(vault.clones.start(CloneOrder(tenant, clone), "op-1"))
    run(vault, clone, "viewer", "SELECT name FROM candidates")
    run(vault, clone, "editor", "SELECT email FROM candidates")
    assert refused(vault, clone, "viewer", "SELECT email FROM candidates")


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_restore_and_its_undo_keep_the_rights(vault: Vault, isolation: Isolation) -> None:
    """A backup brings back who was shut out when it was taken, and an undo what is there now."""
    tenant = arrange(vault, isolation)
    before = rights(vault, tenant)
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.matches
    run(vault, tenant, "owner", 'GRANT SELECT ON salaries TO "{t}_viewer"; REVOKE ALL ON candidates FROM "{t}_viewer"')
    later = rights(vault, tenant)
    vault.perform_well(vault.start(backup))
    assert rights(vault, tenant) == before
    assert_kept_out(vault, tenant)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert rights(vault, tenant) == later


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_backup_restored_as_another_tenant_keeps_its_viewer_out(vault: Vault, isolation: Isolation) -> None:
    """A backup becomes a new tenant: its roles get the rights that their counterparts had, and those get none."""
    tenant = arrange(vault, isolation)
    before = rights(vault, tenant)
    backup = vault.back_up(tenant)
    other = TenantId(f"{tenant}r")
    vault.made.append(other)
    vault.perform_well(vault.start(backup, tenant_id=tenant, into=other))
    assert rights(vault, other) == before
    assert_kept_out(vault, other)


def test_making_a_tenant_once_more_grants_nothing(vault: Vault) -> None:
    """The call that makes a tenant is repeated, as for an upgrade: rights that were taken stay taken."""
    from tenantry.tenants.provisioning import TenantRequest, provision_tenant

    for isolation in (Isolation.DATABASE, Isolation.SCHEMA):
        tenant = arrange(vault, isolation)
        before = rights(vault, tenant)
        place = vault.world.registry.server("here")
        assert place
        provision_tenant(
            TenantRequest(tenant),
            server=place,
            admin=vault.servers.admin("here"),
            secret_store=vault.world.secrets,
            registry=vault.world.registry,
        )
        assert rights(vault, tenant) == before


def test_a_drill_compares_rights(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's rights come back with a backup's rows: that is no proof that it can be restored."""
    tenant = arrange(vault, Isolation.DATABASE)
    backup = vault.back_up(tenant)
    monkeypatch.setattr("tenantry.contents.rights_writer.RightsWriter.write", lambda *_, **__: [])
    found = vault.scratches().drill(vault.order(backup)).findings
    assert not found.matches
    assert "routine pay" in found.missing


def test_a_move_whose_rights_differ_is_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something of what was granted does not arrive: the tenant stays where it is, with the rights that it had."""
    tenant = arrange(vault, Isolation.DATABASE)
    before = rights(vault, tenant)
    monkeypatch.setattr("tenantry.contents.rights_writer.RightsWriter._grants", lambda *_: [])
    with pytest.raises(CopyFailed) as failure:
        vault.perform(vault.relocations.move(tenant, "there", "op-1"))
    assert failure.value.code == "copy_differs"
    assert vault.home(tenant).server_id == "here"
    assert rights(vault, tenant) == before


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_backup_from_before_brings_what_its_dump_says(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, isolation: Isolation
) -> None:
    """A manifest says nothing of rights: the dump does, and the viewer stays shut out."""
    tenant = vault.add(isolation)
    run(vault, tenant, "owner", 'REVOKE ALL ON candidates FROM "{t}_viewer"')
    before = rights(vault, tenant)
    monkeypatch.setattr("tenantry.backups.snapshot._MOST_RIGHTS", -1)
    backup = vault.back_up(tenant)
    assert backup.manifest
    assert backup.manifest.rights is None
    vault.perform_well(vault.start(backup))
    assert refused(vault, tenant, "viewer", "SELECT FROM candidates")
    run(vault, tenant, "editor", "SELECT FROM candidates")
    if isolation is Isolation.DATABASE:
        assert rights(vault, tenant) == before


def test_what_an_extension_made_is_kept_from_everybody(vault: Vault) -> None:
    """An owner takes a function of an extension's from everybody: that lies in no dump of what is the tenant's."""
    tenant = vault.add()
    vault.execute("here", "CREATE FUNCTION public.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'", tenant.value)
    vault.execute("here", f'ALTER FUNCTION public.theirs() OWNER TO "{tenant}_owner"', tenant.value)
    vault.execute("here", "ALTER EXTENSION plpgsql ADD FUNCTION public.theirs()", tenant.value)
    run(vault, tenant, "owner", "REVOKE ALL ON FUNCTION theirs() FROM PUBLIC")
    # On the other server the extension has no such function, so nothing is left to be kept from anybody.
    with pytest.raises(CopyFailed) as failure:
        vault.perform(vault.relocations.move(tenant, "there", "op-1"))
    assert failure.value.code == "copy_differs"


def test_owners_of_what_has_no_rights_go_along(vault: Vault) -> None:
    """Statistics objects, collations and operators of the editor's stay the editor's, in a restore and in a move."""
    tenant = vault.add()
    vault.run_as(
        tenant,
        """CREATE TABLE t (a int, b int); CREATE STATISTICS "of t" ON a, b FROM t; CREATE COLLATION plain FROM "C";
        CREATE FUNCTION same(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a = b';
        CREATE OPERATOR === (FUNCTION = same, LEFTARG = int, RIGHTARG = int)""",
    )
    editor = f'"{tenant}_editor"'
    for thing in ('STATISTICS "of t"', "COLLATION plain", "OPERATOR ===(int, int)"):
        vault.execute("here", f"ALTER {thing} OWNER TO {editor}", tenant.value)
    query = """SELECT (SELECT stxowner::regrole::text FROM pg_statistic_ext WHERE stxname = 'of t'),
               (SELECT collowner::regrole::text FROM pg_collation WHERE collname = 'plain'),
               (SELECT oprowner::regrole::text FROM pg_operator WHERE oprname = '===')"""
    backup = vault.back_up(tenant)
    vault.perform_well(vault.start(backup))
    assert vault.execute("here", query, tenant.value) == [(f"{tenant}_editor",) * 3]
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert vault.execute("there", query, tenant.value) == [(f"{tenant}_editor",) * 3]
