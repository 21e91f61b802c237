"""How everything in a home is defined comes back as it was, and what does not is named."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tenantry.contents.fingerprint import Defined, read_fingerprint
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import Conflict, RestoreFailed
from tenantry.domain.fingerprint import from_facts
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.contents.conftest import Vault

EVERYTHING = (Path(__file__).parent / "everything.sql").read_text()
# What needs the cast: of a schema, casts come back last.
NEEDS_CAST = "; CREATE VIEW needs_cast AS SELECT v::text AS shown FROM parents"
# As the owner, a change of each kind and what then differs; a name after `|` is one that differs too.
CHANGES = {
    "CREATE OR REPLACE VIEW w AS SELECT a, renamed AS b, late FROM base WHERE a IN (1, 3)": "view public.w",
    "DROP VIEW needs_cast": "view public.needs_cast|column public.needs_cast.shown",
    "ALTER VIEW w RESET (security_barrier)": "view public.w",
    "ALTER VIEW w ALTER a SET DEFAULT 8": "column public.w.a",
    "REFRESH MATERIALIZED VIEW mv": "materialized view public.mv",
    "ALTER TABLE parents ALTER low SET NOT NULL": "column public.parents.low",
    "ALTER TABLE parents ALTER price SET DEFAULT -2.5": "column public.parents.price",
    "ALTER TABLE parents ALTER high TYPE bigint": "column public.parents.high|statistics public.parents_stats",
    "ALTER TABLE parents ALTER big SET STORAGE MAIN": "column public.parents.big",
    "ALTER TABLE parents ALTER big SET COMPRESSION DEFAULT": "column public.parents.big",
    "ALTER TABLE parents ALTER low SET STATISTICS 51": "column public.parents.low",
    "ALTER TABLE parents ALTER high RESET (n_distinct)": "column public.parents.high",
    "ALTER TABLE parents ALTER id SET GENERATED ALWAYS": "column public.parents.id",
    "ALTER TABLE events_1 ALTER kind SET DEFAULT 'x'": "column public.events_1.kind",
    'ALTER TABLE unlogged ADD b text; ALTER TABLE unlogged ALTER b TYPE text COLLATE "C"': "column public.unlogged.b",
    "ALTER TABLE parents RESET (fillfactor)": "table public.parents",
    "ALTER TABLE parents RESET (toast.autovacuum_enabled)": "table public.parents",
    "ALTER TABLE unlogged SET LOGGED": "table public.unlogged",
    "ALTER TABLE parents DISABLE ROW LEVEL SECURITY": "table public.parents",
    "ALTER TABLE parents REPLICA IDENTITY FULL": "table public.parents|index public.parents_replica",
    "ALTER TABLE derived NO INHERIT base": "table public.derived",
    "ALTER TABLE events DETACH PARTITION events_2": "table public.events_2",
    "ALTER TABLE parents SET WITHOUT CLUSTER": "index public.parents_pkey",
    "ALTER INDEX parents_lower ALTER COLUMN 1 SET STATISTICS 78": "index public.parents_lower",
    "DROP INDEX parents_once": "index public.parents_once",
    "ALTER TABLE parents DROP CONSTRAINT nested": "constraint public.parents.nested",
    "ALTER TABLE parents VALIDATE CONSTRAINT unchecked": "constraint public.parents.unchecked",
    "ALTER TABLE children ALTER CONSTRAINT children_parent_id_fkey NOT DEFERRABLE": (
        "constraint public.children.children_parent_id_fkey"
    ),
    "ALTER TABLE parents DROP CONSTRAINT no_overlap": "constraint public.parents.no_overlap|index public.no_overlap",
    "ALTER DOMAIN short_text DROP NOT NULL": "domain public.short_text",
    "ALTER DOMAIN short_text SET DEFAULT 'y'": "domain public.short_text",
    "ALTER DOMAIN short_text DROP CONSTRAINT short_text_check": "constraint public.short_text.short_text_check",
    "ALTER TYPE mood ADD VALUE 'glad' BEFORE 'ok'": "enum public.mood",
    "ALTER TYPE money2 ADD ATTRIBUTE more int": "composite type public.money2|column public.money2.more",
    "DROP TYPE spans": "range public.spans",
    "DROP CAST (money2 AS text)": "cast public.money2 AS text|comment cast public.money2 AS text",
    "CREATE CAST (pair AS text) WITH INOUT": "cast public.pair AS text",
    "CREATE OR REPLACE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 2'": "function public.f(text)",
    "ALTER FUNCTION touch() SECURITY INVOKER": "function public.touch()",
    "ALTER FUNCTION touch() RESET search_path": "function public.touch()",
    "ALTER PROCEDURE proc(int) SET work_mem = '1MB'": "procedure public.proc(integer)",
    "DROP AGGREGATE total(int)": "aggregate public.total(integer)",
    "ALTER OPERATOR === (pair, pair) SET (RESTRICT = NONE)": "operator public.===(public.pair, public.pair)",
    "DROP COLLATION german": "collation public.german",
    "DROP CONVERSION conv": "conversion public.conv",
    "ALTER TEXT SEARCH DICTIONARY dict (STOPWORDS)": "text search dictionary public.dict",
    "ALTER TEXT SEARCH CONFIGURATION conf DROP MAPPING FOR word": "text search configuration public.conf",
    "ALTER TABLE parents ENABLE TRIGGER touched": "trigger public.parents.touched",
    "DROP TRIGGER at_end ON children": "trigger public.children.at_end",
    "DROP RULE also ON base": "rule public.base.also",
    "ALTER POLICY own ON parents USING (id > 1)": "policy public.parents.own",
    "ALTER STATISTICS parents_stats SET STATISTICS 34": "statistics public.parents_stats",
    "ALTER SEQUENCE numbers NO CYCLE": "sequence public.numbers",
    "ALTER SEQUENCE numbers OWNED BY parents.n": "sequence public.numbers",
    "COMMENT ON CAST (money2 AS text) IS 'other'": "comment cast public.money2 AS text",
    "COMMENT ON COLUMN parents.low IS NULL": "comment column public.parents.low",
    "COMMENT ON POLICY own ON parents IS 'other'": "comment policy public.parents.own",
    "COMMENT ON SCHEMA public IS 'other'": "comment schema public",
    "COMMENT ON LARGE OBJECT 4711 IS 'other'": "comment large object 4711",
    "CREATE SCHEMA more": "schema more",
    "DROP PUBLICATION picked": "publication picked",
    "ALTER PUBLICATION picked SET TABLE parents (id) WHERE (id > 2)": "publication picked",
    "DROP EXTENSION citext": "extension citext",
    # A name that looks like SQL, a pattern of psycopg2's, two names and two lines.
    'COMMENT ON TABLE "od.d ""n\'a%(s)s\tme" IS \'other\'': 'comment table public."od.d ""n\'a%(s)s\tme"',
}


# A column that was added to a parent comes back before the child's own.
COLUMNS_MOVE = [("table", "@.derived", "column_order")]


def omitted(manifest: Manifest) -> list[tuple[str, str, str]]:
    return [(gone.kind, gone.name, gone.reason) for gone in manifest.omissions or ()]


def fill(vault: Vault, isolation: Isolation, *more: str) -> TenantId:
    tenant = vault.add(isolation)
    vault.run_as(tenant, "; ".join([EVERYTHING.strip().rstrip(";"), *more]))
    return tenant


@contextmanager
def changing(vault: Vault, tenant: TenantId) -> Iterator[Any]:
    """Give a cursor whose changes, as the tenant's owner, are taken back."""
    with closing(vault.connect(tenant)) as connection, connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET LOCAL ROLE \"{tenant}_owner\"; SET LOCAL timezone = 'UTC'")
        cursor.execute(f'SET LOCAL search_path = "{vault.credentials(tenant).schema}"')
        yield cursor


def read(cursor: Any, home: Home) -> Defined:
    return read_fingerprint(cursor.connection, home)


def test_everything_comes_back_as_it_was_defined_and_any_change_is_named(vault: Vault) -> None:
    tenant = fill(
        vault,
        Isolation.DATABASE,
        NEEDS_CAST.lstrip("; "),
        "CREATE EXTENSION citext; CREATE PUBLICATION picked FOR TABLE parents (id, n) WHERE (id > 2)",
        "SELECT lo_create(4711); COMMENT ON LARGE OBJECT 4711 IS 'large'",
        "COMMENT ON SCHEMA public IS 'its own'",
    )
    vault.run_as(tenant, f"COMMENT ON DATABASE \"{tenant}\" IS 'the tenant''s'")
    backup = vault.back_up(tenant)
    assert backup.manifest
    assert backup.manifest.fingerprint
    assert omitted(backup.manifest) == COLUMNS_MOVE
    drilled = vault.scratches().drill(vault.order(backup))
    assert drilled.findings.differing == []
    written = from_facts(backup.manifest.fingerprint.model_dump())
    home = vault.home(tenant)
    for change, names in CHANGES.items():
        with changing(vault, tenant) as cursor:
            cursor.execute(change)
            found = read(cursor, home).fingerprint
        differing = set(written.differences(found, "public"))
        assert set(names.split("|")) <= differing, (change, differing)
    with changing(vault, tenant) as cursor:
        cursor.execute(f'COMMENT ON DATABASE "{tenant}" IS NULL')
        assert written.differences(read(cursor, home).fingerprint, "public") == ["comment database"]


def test_a_copy_that_was_changed_is_not_verified_nor_restored(vault: Vault) -> None:
    tenant = vault.add_with_tables()
    vault.run_as(tenant, "CREATE VIEW lost AS SELECT 1 AS one; CREATE FUNCTION other() RETURNS int RETURN 1")
    backup, scratches = vault.back_up(tenant), vault.scratches()
    order = vault.order(backup)
    scratches.restore(order)
    redefine = (
        "DROP VIEW lost; CREATE OR REPLACE FUNCTION other() RETURNS int RETURN 2; "
        "ALTER TABLE candidates ALTER name SET DEFAULT 'x'"
    )
    vault.execute("here", redefine, order.database)
    findings = scratches.examine(order)
    scratches.drop(order)
    named = {
        "view public.lost",
        "column public.lost.one",
        "function public.other()",
        "column public.candidates.name",
    }
    assert set(findings.differing) == named
    with pytest.raises(RestoreFailed) as failure:
        findings.require_same()
    assert failure.value.code == "restore_differs"
    assert "view public.lost" in str(failure.value.details)
    # A backup from before fingerprints is compared as it was then: by rows and rights.
    assert order.manifest.fingerprint
    old = replace(order, manifest=order.manifest.model_copy(update={"fingerprint": None, "omissions": None}))
    scratches.restore(old)
    vault.execute("here", redefine, order.database)
    assert scratches.examine(old).differing == ["table lost"]
    scratches.drop(old)


def test_a_schema_comes_back_with_what_no_dump_of_it_has(vault: Vault) -> None:
    """Its casts, with their comments, and the comment on itself; in drills, swaps, moves, promotions and undoes."""
    tenant = fill(vault, Isolation.SCHEMA, "CREATE CAST (pair AS text) WITH INOUT AS IMPLICIT")
    vault.run_as(
        tenant,
        'CREATE TYPE "odd ""t.ype" AS (a int); CREATE FUNCTION "f\'"("odd ""t.ype"[]) RETURNS pair RETURN NULL::pair',
    )
    vault.run_as(tenant, 'CREATE CAST ("odd ""t.ype"[] AS pair) WITH FUNCTION "f\'"')
    vault.run_as(tenant, f"COMMENT ON SCHEMA \"{tenant}\" IS 'it''s ours'")
    home = vault.home(tenant)
    with changing(vault, tenant) as cursor:
        before = read(cursor, home).fingerprint
    assert before.kinds["cast"].count == 3
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    # The cast is lost, and the schema's comment: the restore brings both back.
    vault.run_as(tenant, f'DROP CAST (money2 AS text); DROP CAST (pair AS text); COMMENT ON SCHEMA "{tenant}" IS NULL')
    vault.perform_well(vault.start(backup))
    with changing(vault, tenant) as cursor:
        assert before.differences(read(cursor, home).fingerprint, home.schema) == []
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    with changing(vault, tenant) as cursor:
        assert before.differences(read(cursor, vault.home(tenant)).fingerprint, home.schema) == []
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    with changing(vault, tenant) as cursor:
        own = replace(vault.home(tenant), isolation=Isolation.SCHEMA)
        promoted = read_fingerprint(cursor.connection, own, beside=[home.schema]).fingerprint
    assert before.differences(promoted, own.schema) == []
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    with changing(vault, tenant) as cursor:
        assert before.differences(read(cursor, home).fingerprint, home.schema) == []


# Each needs a cast before the next one can be made.
CASTS_IN_USE = """
CREATE FUNCTION doubled(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * ($1).a';
CREATE CAST (pair AS int) WITH FUNCTION doubled AS IMPLICIT;
CREATE TABLE of_pairs (p pair DEFAULT ROW(1, 2), CHECK (p::int > 0));
INSERT INTO of_pairs DEFAULT VALUES;
CREATE VIEW of_casts AS SELECT p::int AS twice FROM of_pairs;
CREATE FUNCTION of_row(of_casts) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$row$$';
CREATE CAST (of_casts AS text) WITH FUNCTION of_row;
CREATE VIEW of_rows AS SELECT v::text AS shown FROM of_casts v;
CREATE CAST (pair AS text) WITH INOUT AS IMPLICIT;
CREATE MATERIALIZED VIEW of_text AS SELECT lower(p) AS low FROM of_pairs;
COMMENT ON FUNCTION doubled(pair) IS 'twice'; COMMENT ON TYPE pair IS 'two';
CREATE COLLATION sorted (provider = libc, locale = 'C'); COMMENT ON COLLATION sorted IS 'in order';
CREATE TYPE "new\nline" AS (a int);
CREATE FUNCTION "of\rline"("new\nline") RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a';
CREATE CAST ("new\nline" AS int) WITH FUNCTION "of\rline" AS IMPLICIT;
COMMENT ON CAST ("new\nline" AS int) IS 'its only';
"""


def test_casts_that_others_need_come_before_them(vault: Vault) -> None:
    tenant = fill(vault, Isolation.SCHEMA, NEEDS_CAST.lstrip("; ") + ";" + CASTS_IN_USE)
    home, shown = (
        vault.home(tenant),
        "SELECT twice, (SELECT shown FROM of_rows), (SELECT low FROM of_text) FROM of_casts",
    )
    with changing(vault, tenant) as cursor:
        before = read(cursor, home).fingerprint
    backup = vault.back_up(tenant)
    assert backup.manifest
    assert omitted(backup.manifest) == COLUMNS_MOVE
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    with pytest.MonkeyPatch.context() as patch:
        # As an archive that is dealt out.
        patch.setattr("tenantry.restores.fill.LARGE_BYTES", 0)
        assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.run_as(tenant, "DROP VIEW needs_cast; DROP TABLE of_pairs CASCADE")
    vault.perform_well(vault.start(backup))
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.run_as(tenant, shown) == [(2, "row", "(1,2)")]
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    assert vault.run_as(tenant, shown) == [(2, "row", "(1,2)")]
    with changing(vault, tenant) as cursor:
        own = replace(vault.home(tenant), isolation=Isolation.SCHEMA)
        promoted = read_fingerprint(cursor.connection, own, beside=[home.schema]).fingerprint
    assert before.differences(promoted, own.schema) == []


@pytest.mark.parametrize("server", ["here", "there"])
def test_a_clone_of_a_schema_has_all_that_the_original_has(vault: Vault, server: str) -> None:
    """Tables of its own, casts that views need, rights, and what the owner is shut out of."""
    tenant = fill(vault, Isolation.SCHEMA, NEEDS_CAST.lstrip("; ") + ";" + CASTS_IN_USE)
    clone = TenantId(f"c{tenant.value[1:]}")
    vault.made.append(clone)
    vault.run_as(
        tenant,
        f"""GRANT SELECT ON of_pairs TO "{tenant}_viewer"; REVOKE ALL ON candidates FROM "{tenant}_viewer";
        REVOKE ALL ON of_pairs FROM "{tenant}_owner"; COMMENT ON SCHEMA "{tenant}" IS 'ours';
        CREATE TABLE forced AS SELECT 7 AS id;
        ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY""",
    )
    with changing(vault, tenant) as cursor:
        before = read(cursor, vault.home(tenant)).fingerprint
    vault.perform_well(vault.clones.start(CloneOrder(tenant, clone, server), "op-1"))
    with changing(vault, clone) as cursor:
        made = read_fingerprint(cursor.connection, vault.home(clone), beside=[tenant.value]).fingerprint
    assert before.differences(made, clone.value) == []
    look = f"""SELECT (SELECT count(*) FROM "{clone}".candidates), (SELECT id FROM "{clone}".forced),
               (SELECT (p).a FROM "{clone}".of_pairs),
               has_table_privilege('{clone}_viewer', '"{clone}".of_pairs', 'SELECT'),
               has_table_privilege('{clone}_viewer', '"{clone}".candidates', 'SELECT'),
               has_table_privilege('{clone}_owner', '"{clone}".of_pairs', 'SELECT')"""
    assert vault.execute(server, look, "tenantry_schemas") == [(200, 7, 1, True, False, False)]
    assert vault.leftovers(clone) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {tenant}.candidates'",
            "schema_named",
        ),
        ("CREATE POLICY p ON candidates TO {tenant}_viewer USING (true)", "roles_in_policies"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER t BEFORE UPDATE ON candidates FOR EACH ROW "
            "WHEN (NEW.name = '{tenant}' AND OLD.name <> NEW.name) EXECUTE FUNCTION f()",
            "schema_named",
        ),
    ],
)
def test_a_clone_of_a_schema_that_can_not_be_another_one_is_not_begun(vault: Vault, change: str, code: str) -> None:
    tenant = vault.add(Isolation.SCHEMA)
    clone = TenantId(f"c{tenant.value[1:]}")
    vault.run_as(tenant, change.format(tenant=tenant))
    with pytest.raises(Conflict) as refusal:
        vault.clones.start(CloneOrder(tenant, clone), "op-1")
    assert (refusal.value.code, vault.world.registry.tenant(clone)) == (code, None)


def test_versions_of_postgresql_write_definitions_differently(vault: Vault) -> None:
    """An expression that is written in another way by another major version does not count, a lost one does."""
    tenant = fill(vault, Isolation.DATABASE)
    with changing(vault, tenant) as cursor:
        newer = read(cursor, vault.home(tenant)).fingerprint
    older = replace(newer, major=newer.major - 1)
    with changing(vault, tenant) as cursor:
        cursor.execute(
            "ALTER POLICY own ON parents USING (id > 77); DROP INDEX parents_once; DROP TRIGGER at_end ON children"
        )
        found = read(cursor, vault.home(tenant)).fingerprint
    assert older.differences(found, "public") == ["index public.parents_once", "trigger public.children.at_end"]


def test_objects_without_number_are_compared_by_kind(vault: Vault) -> None:
    tenant = vault.add()
    home = vault.home(tenant)
    with changing(vault, tenant) as cursor:
        cursor.execute(
            "DO $$BEGIN FOR i IN 1..50 LOOP EXECUTE format('CREATE TABLE t%s (a int DEFAULT 1)', i); END LOOP; END$$"
        )
        cursor.execute("CREATE VIEW v AS SELECT 1 AS one")
        whole = read(cursor, home)
        bounded = from_facts(whole.fingerprint.bounded(40).to_facts())
        assert (bounded.kinds["column"].objects, bounded.kinds["table"].objects) == (None, None)
        assert bounded.differences(whole.fingerprint, "public") == []
        cursor.execute("ALTER TABLE t7 ALTER a SET DEFAULT 2; DROP VIEW v; CREATE VIEW v AS SELECT 2 AS one")
        changed = read(cursor, home)
        assert bounded.differences(changed.fingerprint, "public") == ["view public.v", "column"]
        assert changed.mark != whole.mark
    with pytest.raises(psycopg2.errors.UndefinedTable), changing(vault, tenant) as cursor:
        cursor.execute("TABLE t7")
