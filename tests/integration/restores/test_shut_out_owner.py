"""An owner that has taken its own rights, or that policies bind, still has backups that are drilled and restored."""

import pytest

from tenantry.domain.errors import BackupFailed, Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.restores.conftest import Vault

# Each by itself: the name by which a refusal tells of it.
SHUT = {
    "public.taken": 'CREATE TABLE taken (id int); INSERT INTO taken VALUES (1); REVOKE ALL ON taken FROM "{owner}"',
    'public."Part\'s"': 'CREATE TABLE "Part\'s" (a int, b int); INSERT INTO "Part\'s" VALUES (1, 2); '
    'REVOKE ALL ON "Part\'s" FROM "{owner}"; GRANT SELECT (a) ON "Part\'s" TO "{owner}"',
    "public.forced": "CREATE TABLE forced (id int); INSERT INTO forced VALUES (1); "
    "ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "public.numbers": "CREATE SEQUENCE numbers START 7; SELECT nextval('numbers'); "
    'REVOKE ALL ON SEQUENCE numbers FROM "{owner}"',
    "closed.within": "CREATE SCHEMA closed; CREATE TABLE closed.within AS SELECT 1 AS a; "
    'REVOKE ALL ON SCHEMA closed FROM "{owner}"',
    # Of another role of the tenant's, which is let into the schema no more.
    "public.editors": 'GRANT CREATE, USAGE ON SCHEMA public TO "{editor}"; SET ROLE "{editor}"; '
    "CREATE TABLE editors (id serial, t text); INSERT INTO editors (t) VALUES ('e'); "
    "ALTER TABLE editors ENABLE ROW LEVEL SECURITY; SELECT lo_from_bytea(4712, 'y'); "
    'SET ROLE "{owner}"; REVOKE CREATE, USAGE ON SCHEMA public FROM "{editor}"',
    "large object 4711": "SELECT lo_from_bytea(4711, 'x'); REVOKE ALL ON LARGE OBJECT 4711 FROM \"{owner}\"",
}
IN_A_SCHEMA = {"public.taken", 'public."Part\'s"', "public.forced", "public.numbers"}
# As a superuser: whom nothing is hidden from.
LOOK = """SELECT (SELECT count(*) FROM taken), (SELECT sum(b) FROM "Part's"), (SELECT count(*) FROM forced),
                 (SELECT last_value FROM numbers), (SELECT a FROM closed.within), lo_get(4711)::text,
                 lo_get(4712)::text,
                 (SELECT count(*) FROM editors),
                 (SELECT last_value FROM editors_id_seq),
                 (SELECT relacl::text || relowner FROM pg_class WHERE relname = 'editors'),
                 (SELECT relacl::text FROM pg_class WHERE relname = 'taken')"""


def test_what_an_owner_is_shut_out_of_is_drilled_and_restored(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, "; ".join(SHUT.values()).format(owner=f"{tenant}_owner", editor=f"{tenant}_editor"))
    before = vault.execute("here", LOOK, tenant.value)
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.run_as(tenant, "DROP TABLE taken, forced; DROP SEQUENCE numbers; SELECT lo_unlink(4711)")
    vault.perform_well(vault.start(backup))
    assert vault.execute("here", LOOK, tenant.value) == before


def test_a_drill_finds_what_has_changed_in_what_the_owner_may_not_read(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, "; ".join(SHUT.values()).format(owner=f"{tenant}_owner", editor=f"{tenant}_editor"))
    backup, scratches = vault.back_up(tenant), vault.scratches()
    order = vault.order(backup)
    scratches.restore(order)
    try:
        vault.execute("here", "UPDATE taken SET id = 2; SELECT nextval('numbers')", order.database)
        vault.execute("here", "UPDATE editors SET t = 'f'", order.database)
        assert {"public.taken", "public.editors"} <= set(scratches.examine(order).differing)
    finally:
        scratches.drop(order)


# In a shared database: each by itself, and at the end the whole schema.
SHUT_SCHEMA = """
CREATE TABLE taken (id int PRIMARY KEY, t text); INSERT INTO taken VALUES (1, 'a');
REVOKE ALL ON taken FROM "{owner}";
CREATE TABLE "Part's" (a int, b int); INSERT INTO "Part's" VALUES (1, 2);
REVOKE ALL ON "Part's" FROM "{owner}"; GRANT SELECT (a) ON "Part's" TO "{owner}";
GRANT SELECT ON "Part's" TO "{viewer}";
CREATE TABLE forced (id int, t text); INSERT INTO forced VALUES (1, 'f'), (2, 'g');
ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY wide ON forced USING (id = 1); CREATE POLICY narrow ON forced AS RESTRICTIVE USING (false);
CREATE SEQUENCE numbers START 7; SELECT nextval('numbers'); REVOKE ALL ON SEQUENCE numbers FROM "{owner}";
"""
CLOSED = 'REVOKE ALL ON SCHEMA "{schema}" FROM "{owner}"'
LOOK_SCHEMA = """SELECT (SELECT array_agg(t) FROM "{schema}".taken), (SELECT sum(b) FROM "{schema}"."Part's"),
    (SELECT array_agg(t ORDER BY id) FROM "{schema}".forced), (SELECT last_value FROM "{schema}".numbers),
    (SELECT array_agg(x ORDER BY x) FROM pg_class c,
        aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) a,
        concat_ws(' ', relname, a.grantor::regrole, a.grantee::regrole, privilege_type, is_grantable) x
     WHERE relnamespace = n.oid AND relkind IN ('r', 'S')),
    (SELECT array_agg(x ORDER BY x) FROM aclexplode(n.nspacl) a, concat_ws(' ', a.grantee::regrole, privilege_type) x),
    (SELECT array_agg(format('%s %s', polname, polpermissive) ORDER BY polname)
     FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = n.oid),
    (SELECT relforcerowsecurity FROM pg_class WHERE relname = 'forced' AND relnamespace = n.oid)
FROM pg_namespace n WHERE nspname = '{schema}'"""


def shut_schema(vault: Vault, *statements: str) -> TenantId:
    """Make a tenant in a shared database that is shut out of what it has there."""
    tenant = vault.add(Isolation.SCHEMA)
    vault.run_as(tenant, "; ".join(statements).format(**words(tenant)))
    return tenant


def words(tenant: TenantId) -> dict[str, str]:
    return {"owner": f"{tenant}_owner", "viewer": f"{tenant}_viewer", "schema": tenant.value}


def look(vault: Vault, tenant: TenantId) -> list[object]:
    home = vault.home(tenant)
    return vault.execute(home.server_id, LOOK_SCHEMA.format(**words(tenant)), home.database)


@pytest.mark.parametrize("closed", [False, True])
def test_a_schema_whose_owner_is_shut_out_comes_back(vault: Vault, closed: bool) -> None:
    tenant = shut_schema(vault, SHUT_SCHEMA, *([CLOSED] if closed else []))
    before = look(vault, tenant)
    backup = vault.back_up(tenant)
    assert look(vault, tenant) == before
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.execute("here", f'UPDATE "{tenant}".taken SET t = \'b\'; DROP TABLE "{tenant}".forced', "tenantry_schemas")
    vault.perform_well(vault.start(backup))
    assert look(vault, tenant) == before


@pytest.mark.parametrize("changed", [False, True])
def test_a_schema_whose_owner_is_shut_out_is_moved_and_moved_back(vault: Vault, changed: bool) -> None:
    tenant = shut_schema(vault, SHUT_SCHEMA, CLOSED)
    before = look(vault, tenant)
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert look(vault, tenant) == before
    if changed:
        vault.execute("there", f'UPDATE "{tenant}".forced SET t = t || id', "tenantry_schemas")
        before = look(vault, tenant)
    assert vault.perform_well(vault.relocations.undo(tenant, "op-1")).facts["changed"] == changed
    assert look(vault, tenant) == before


def test_a_schema_whose_owner_is_shut_out_is_promoted(vault: Vault) -> None:
    tenant = shut_schema(vault, SHUT_SCHEMA)
    before = look(vault, tenant)
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    assert look(vault, tenant) == before
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert look(vault, tenant) == before
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    vault.execute("here", f'UPDATE "{tenant}".taken SET t = t || id', tenant.value)
    # Rows alone go back, as the owner.
    with pytest.raises(Conflict) as refusal:
        vault.perform(vault.relocations.undo(tenant, "op-1"))
    assert refusal.value.code == "rows_withheld"
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))


def test_a_database_whose_owner_is_shut_out_is_moved_back_and_cloned(vault: Vault) -> None:
    tenant, look_at = vault.add(), LOOK.replace("relacl::text || relowner", "relowner::regrole::text")
    look_at = look_at.replace(",\n                 (SELECT relacl::text FROM pg_class WHERE relname = 'taken')", "")
    vault.run_as(tenant, "; ".join(SHUT.values()).format(owner=f"{tenant}_owner", editor=f"{tenant}_editor"))
    before = vault.execute("here", look_at, tenant.value)
    clone = TenantId(f"c{tenant.value[1:]}")
    vault.made.append(clone)
    vault.perform_well(vault.clones.start(CloneOrder(tenant, clone), "op-1"))
    cloned = [tuple(str(value).replace(tenant.value, clone.value) for value in row) for row in before]
    assert [tuple(map(str, row)) for row in vault.execute("here", look_at, clone.value)] == cloned
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert vault.execute("there", look_at, tenant.value) == before
    vault.execute("there", "UPDATE editors SET t = 'changed'; UPDATE taken SET id = 9", tenant.value)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    query = "SELECT (SELECT t FROM editors), (SELECT id FROM taken)"
    assert vault.execute("here", query, tenant.value) == [("changed", 9)]


def test_it_is_told_before_a_copy_is_begun_that_nobody_can_make(vault: Vault) -> None:
    """A server's administrator may be none who can let a login read past policies."""
    for isolation in (Isolation.DATABASE, Isolation.SCHEMA):
        tenant = vault.add(isolation)
        clone = CloneOrder(tenant, TenantId(f"c{tenant.value[1:]}"))
        shut = SHUT if isolation is Isolation.DATABASE else {n: s for n, s in SHUT.items() if n in IN_A_SCHEMA}
        vault.execute("here", f'ALTER ROLE "{tenant}_dump" NOBYPASSRLS')
        for name, statement in shut.items():
            vault.run_as(tenant, statement.format(owner=f"{tenant}_owner", editor=f"{tenant}_editor"))
            named = name.replace("public.", f"{vault.credentials(tenant).schema}.")
            with pytest.raises(Conflict) as refusal:
                vault.relocations.move(tenant, "there", "op-1")
            assert refusal.value.code == "rows_withheld"
            assert named in str(refusal.value.details).split(", ")
        with pytest.raises(Conflict, match="may not read all that"):
            vault.clones.start(clone, "op-1")
        if isolation is Isolation.SCHEMA:
            with pytest.raises(Conflict, match="may not read all that"):
                vault.relocations.promote(tenant, Isolation.DATABASE, "op-1")
            with pytest.raises(BackupFailed) as failure:
                vault.back_up(tenant)
            assert failure.value.code == "rows_withheld"
            vault.execute("here", f'ALTER ROLE "{tenant}_dump" BYPASSRLS')
            assert vault.back_up(tenant).manifest
        assert vault.tenant(tenant).relocation == ""
        assert vault.world.registry.tenant(clone.tenant_id) is None
