"""An owner that has taken its own rights, or that policies bind, still has backups that are drilled and restored."""

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation
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


def test_it_is_told_before_a_copy_is_begun(vault: Vault) -> None:
    for isolation in (Isolation.DATABASE, Isolation.SCHEMA):
        tenant = vault.add(isolation)
        clone = CloneOrder(tenant, type(tenant)(f"c{tenant.value[1:]}"))
        shut = SHUT if isolation is Isolation.DATABASE else {n: s for n, s in SHUT.items() if n in IN_A_SCHEMA}
        for name, statement in shut.items():
            vault.run_as(tenant, statement.format(owner=f"{tenant}_owner", editor=f"{tenant}_editor"))
            named = name.replace("public.", f"{vault.credentials(tenant).schema}.")
            with pytest.raises(Conflict) as refusal:
                vault.relocations.move(tenant, "there", "op-1")
            assert refusal.value.code == "rows_withheld"
            assert named in str(refusal.value.details).split(", ")
        with pytest.raises(Conflict, match="may not read all that") as refusal:
            vault.clones.start(clone, "op-1")
        if isolation is Isolation.SCHEMA:
            with pytest.raises(Conflict, match="may not read all that"):
                vault.relocations.promote(tenant, Isolation.DATABASE, "op-1")
        assert vault.tenant(tenant).relocation == ""
        assert vault.world.registry.tenant(clone.tenant_id) is None
