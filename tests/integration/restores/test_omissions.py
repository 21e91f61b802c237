"""What a restore can't bring back is said at the time of the backup, and costs nothing else."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenantry.domain.backup_facts import ExtensionFacts
from tenantry.domain.errors import Conflict, RestoreFailed
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.restores.drills.drill import DrillOrder
from tests.integration.restores.conftest import Vault, replace
from tests.postgres import quick_place

# As a superuser of an adopted database makes it: what is left out, with what is said about it.
OF_SUPERUSERS = """
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER "odd ""one" ON ddl_command_end EXECUTE FUNCTION watch();
COMMENT ON EVENT TRIGGER "odd ""one" IS 'watches';
CREATE EXTENSION pageinspect;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER files;
CREATE FOREIGN TABLE far (a int) SERVER files OPTIONS (filename '/nowhere');
CREATE FOREIGN DATA WRAPPER own_wrapper;
CREATE FUNCTION shorter(text) RETURNS text LANGUAGE internal AS 'lower';
COMMENT ON FUNCTION shorter(text) IS 'not longer';
CREATE FUNCTION tight() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';
CREATE FUNCTION loud() RETURNS int LANGUAGE sql SET log_statement = 'all' AS 'SELECT 1';
CREATE FUNCTION helped(text) RETURNS bool LANGUAGE sql SUPPORT textlike_support AS 'SELECT true';
CREATE AGGREGATE inner_total(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);
CREATE OPERATOR CLASS reversed FOR TYPE int4 USING btree
    AS OPERATOR 1 >, OPERATOR 3 =, OPERATOR 5 <, FUNCTION 1 btint4cmp(int4, int4);
CREATE TEXT SEARCH TEMPLATE plain (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER words
    (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE FUNCTION rounder(bigint) RETURNS circle LANGUAGE sql AS 'SELECT NULL::circle';
CREATE CAST (bigint AS circle) WITH FUNCTION rounder(bigint);
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION of_public FOR TABLES IN SCHEMA public;
"""
NEED_SUPERUSERS = {
    'event trigger "odd ""one"',
    "extension pageinspect",
    "extension file_fdw",
    "server files",
    "user mapping PUBLIC files",
    "foreign table @.far",
    "foreign-data wrapper own_wrapper",
    "function @.shorter(text)",
    "function @.tight()",
    "function @.loud()",
    "function @.helped(text)",
    "aggregate @.inner_total(numeric)",
    "operator class @.reversed USING btree",
    "operator family @.reversed USING btree",
    "text search template @.plain",
    "text search parser @.words",
    "access method heap2",
    "cast bigint AS circle",
    "publication everything",
    "publication of_public",
}


@contextmanager
def tablespace(vault: Vault) -> Iterator[None]:
    """Make one on the tenant's server, which nobody may use."""
    with tempfile.TemporaryDirectory(dir=quick_place()) as directory:
        owner = Path(vault.postgres["here"]._data).stat()
        os.chown(directory, owner.st_uid, owner.st_gid)
        vault.execute("here", f"CREATE TABLESPACE elsewhere LOCATION '{directory}'")
        try:
            yield
        finally:
            vault.execute("here", "DROP TABLESPACE elsewhere")


def said(vault: Vault, tenant: TenantId) -> dict[str, set[str]]:
    """Back a tenant up; what is not in the backup, by reason."""
    manifest = vault.back_up(tenant).manifest
    assert manifest
    found: dict[str, set[str]] = {}
    for gone in manifest.omissions or ():
        found.setdefault(gone.reason, set()).add(f"{gone.kind} {gone.name}".strip())
    return found


def test_what_only_a_superuser_makes_is_left_out_of_a_restore(vault: Vault) -> None:
    tenant = vault.add_with_tables()
    vault.execute("here", OF_SUPERUSERS, tenant.value)
    owned = f'ALTER FUNCTION watch() OWNER TO "{tenant}_owner"; ALTER FOREIGN TABLE far OWNER TO "{tenant}_owner"; '
    # Whose rights to it are left out, too.
    owned += f'GRANT EXECUTE ON FUNCTION shorter(text) TO "{tenant}_viewer"; '
    owned += f'ALTER FUNCTION tight() OWNER TO "{tenant}_editor"'
    vault.execute("here", owned, tenant.value)
    assert said(vault, tenant) == {"needs_superuser": NEED_SUPERUSERS}
    backup = vault.back_up(tenant)
    assert backup.to_json()["limited"]
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, "SELECT pubname::text FROM pg_publication") == [("of_public",)]
    assert vault.run_as(tenant, "SELECT 1 FROM pg_event_trigger") == []
    assert len(vault.run_as(tenant, "SELECT 1 FROM candidates")) == 200
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert len(vault.run_as(tenant, "SELECT 1 FROM pg_event_trigger")) == 1


def test_what_is_made_otherwise_is_said(vault: Vault) -> None:
    """Tables in a tablespace, an index that was not completed, a key that is not checked any more."""
    tenant = vault.add_with_tables()
    with tablespace(vault):
        vault.execute(
            "here",
            f"""SET allow_system_table_mods = on;
            CREATE TABLE far_away (a int PRIMARY KEY USING INDEX TABLESPACE elsewhere) TABLESPACE elsewhere;
            CREATE TABLE near (a int REFERENCES far_away, b int);
            CREATE INDEX half ON near (b);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half'::regclass;
            ALTER TABLE near DISABLE TRIGGER ALL;
            ALTER TABLE far_away OWNER TO "{tenant}_owner"; ALTER TABLE near OWNER TO "{tenant}_owner" """,
            tenant.value,
        )
        backup = vault.back_up(tenant)
        assert said(vault, tenant) == {
            "not_dumped": {"index @.half", "constraint @.near.near_a_fkey"},
            "default_tablespace": {"table @.far_away", "index @.far_away_pkey"},
        }
        drilled = vault.scratches().drill(vault.order(backup))
        beside = vault.perform_well(vault.start(backup, tables=("public.far_away",))).facts
        assert beside["left_out"] == ["tablespace of index far_away_pkey", "tablespace of table far_away"]
        vault.execute("here", f'DROP DATABASE "{tenant}" WITH (FORCE)')
    assert drilled.findings.differing == []


def test_a_limited_backup_is_verified_as_such(vault: Vault) -> None:
    tenant = vault.add()
    vault.execute("here", "CREATE PUBLICATION everything FOR ALL TABLES", tenant.value)
    backup = vault.back_up(tenant)
    found = vault.scratches().drill(vault.order(backup)).findings
    assert (found.matches, backup.limited) == (True, True)
    plain = vault.back_up(vault.add(Isolation.POOLED))
    assert (plain.limited, plain.manifest and plain.manifest.omissions) == (False, [])
    assert plain.manifest
    assert plain.manifest.fingerprint is None
    assert DrillOrder(tenant, backup.backup_id, "x").tenant_id == tenant


def test_a_server_without_an_extension_is_refused_before_anything_is_made(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, "CREATE EXTENSION citext")
    order = vault.order(vault.back_up(tenant))
    lacking = ExtensionFacts(name="not_here", version="1", schema="public")
    manifest = order.manifest.model_copy(update={"extensions": [*order.manifest.extensions, lacking]})
    with pytest.raises(Conflict) as refusal:
        vault.scratches().restore(replace(order, manifest=manifest))
    assert (refusal.value.code, refusal.value.details) == ("extension_unavailable", "not_here")
    assert vault.leftovers(tenant) == []


def test_what_needs_what_is_left_out_fails_the_restore(vault: Vault) -> None:
    tenant = vault.add()
    vault.execute(
        "here",
        f"""CREATE FUNCTION shorter(text) RETURNS text LANGUAGE internal IMMUTABLE AS 'lower';
        CREATE TABLE needing (a text DEFAULT shorter('A')); ALTER TABLE needing OWNER TO "{tenant}_owner" """,
        tenant.value,
    )
    backup = vault.back_up(tenant)
    assert said(vault, tenant) == {"needs_superuser": {"function @.shorter(text)"}}
    with pytest.raises(RestoreFailed) as failure:
        vault.scratches().drill(vault.order(backup))
    assert failure.value.code == "restore_failed"
    assert vault.leftovers(tenant) == []


def test_names_in_a_setting_may_be_quoted_or_not(vault: Vault) -> None:
    """With quote_all_identifiers, PostgreSQL stores a list of names with quotes that it needs nowhere else."""
    tenant = vault.add()
    vault.run_as(
        tenant,
        f"""CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path TO public, "a B", "select" AS 'SELECT 1';
        ALTER DATABASE "{tenant}" SET search_path TO public, other;
        ALTER DATABASE "{tenant}" SET quote_all_identifiers = on""",
    )
    assert vault.scratches().drill(vault.order(vault.back_up(tenant))).findings.differing == []
    vault.run_as(
        tenant, 'SET quote_all_identifiers = on; ALTER FUNCTION f() SET search_path TO public, "a B", "select"'
    )
    order = vault.order(vault.back_up(tenant))
    assert vault.scratches().drill(order).findings.differing == []
    vault.scratches().restore(order)
    vault.execute("here", "ALTER FUNCTION public.f() SET search_path TO public, other", order.database)
    assert vault.scratches().examine(order).differing == ["function public.f()"]
    vault.scratches().drop(order)


def test_options_of_a_dictionary_may_be_quoted_or_not(vault: Vault) -> None:
    """Their names are stored as they were written, with quotes that PostgreSQL needs nowhere else."""
    tenant = vault.add()
    vault.run_as(
        tenant,
        """SET quote_all_identifiers = on;
        CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
        CREATE TEXT SEARCH DICTIONARY other (TEMPLATE = ispell, DictFile = ispell_sample, AffFile = ispell_sample)
        """,
    )
    order = vault.order(vault.back_up(tenant))
    assert vault.scratches().drill(order).findings.differing == []
    vault.scratches().restore(order)
    vault.execute("here", "ALTER TEXT SEARCH DICTIONARY public.plain (ACCEPT = true)", order.database)
    assert vault.scratches().examine(order).differing == ["text search dictionary public.plain"]
    vault.scratches().drop(order)


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_multirange_whose_name_is_cut_within_a_letter_is_told(vault: Vault, isolation: Isolation) -> None:
    """PostgreSQL makes up a name that nobody can send: plain pg_restore fails too."""
    tenant = vault.add(isolation)
    cut, whole = "x" + "é" * 30, "xx" + "é" * 30
    vault.run_as(
        tenant,
        f"""CREATE TYPE {cut} AS RANGE (subtype = int); CREATE TYPE {whole} AS RANGE (subtype = int);
        CREATE TYPE given{cut[:25]} AS RANGE (subtype = int, multirange_type_name = given)""",
    )
    assert said(vault, tenant) == {"misread": {f'type @."{cut}"'}}
    with pytest.raises(RestoreFailed):
        vault.scratches().drill(vault.order(vault.back_up(tenant)))
    vault.run_as(tenant, f"DROP TYPE {cut}")
    assert said(vault, tenant) == {}
    assert vault.scratches().drill(vault.order(vault.back_up(tenant))).findings.differing == []


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_what_can_not_be_restored_as_it_was_dumped_is_left_out(vault: Vault, isolation: Isolation) -> None:
    """A key that was made deferrable after it was the replica identity; and an identity whose index is gone."""
    tenant = vault.add(isolation)
    vault.run_as(
        tenant,
        """CREATE TABLE late (a int NOT NULL, b int NOT NULL, PRIMARY KEY (b));
        CREATE UNIQUE INDEX "by a" ON late (a); ALTER TABLE late REPLICA IDENTITY USING INDEX "by a";
        ALTER TABLE late ADD CONSTRAINT "by a" UNIQUE USING INDEX "by a" DEFERRABLE; INSERT INTO late VALUES (1, 2);
        COMMENT ON CONSTRAINT "by a" ON late IS 'late'; COMMENT ON INDEX "by a" IS 'index';
        CREATE TABLE main (a int NOT NULL);
        CREATE UNIQUE INDEX i ON main (a); ALTER TABLE main REPLICA IDENTITY USING INDEX i;
        ALTER TABLE main ADD CONSTRAINT main_key PRIMARY KEY USING INDEX i DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE gone (a int NOT NULL); CREATE UNIQUE INDEX j ON gone (a);
        ALTER TABLE gone REPLICA IDENTITY USING INDEX j; DROP INDEX j;
        CREATE TABLE kept (a int NOT NULL UNIQUE, b int UNIQUE DEFERRABLE); COMMENT ON TABLE kept IS 'kept';
        ALTER TABLE kept REPLICA IDENTITY USING INDEX kept_a_key""",
    )
    assert said(vault, tenant) == {
        "not_restorable": {
            'constraint @.late."by a"',
            'index @."by a"',
            "constraint @.main.main_key",
            "index @.main_key",
        },
        "not_dumped": {"table @.gone"},
    }
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.run_as(tenant, "DROP TABLE late, kept")
    vault.perform_well(vault.start(backup))
    query = (
        "SELECT relname::text FROM pg_class WHERE relreplident = 'i' AND relnamespace = current_schema::regnamespace"
    )
    assert vault.run_as(tenant, query) == [("kept",)]
    assert vault.run_as(tenant, "SELECT obj_description('kept'::regclass)") == [("kept",)]
    assert vault.run_as(tenant, "SELECT b FROM late WHERE a = 1") == [(2,)]


# With the name that a refusal has, and how each goes.
NO_COPY = [
    ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION watch()", "event trigger e", "EVENT TRIGGER e"),
    (
        "CREATE FUNCTION s(text) RETURNS text LANGUAGE internal AS 'lower'",
        "function public.s(text)",
        "FUNCTION s(text)",
    ),
    ("CREATE FOREIGN DATA WRAPPER w", "foreign-data wrapper w", "FOREIGN DATA WRAPPER w"),
    ("CREATE PUBLICATION p FOR ALL TABLES", "publication p", "PUBLICATION p"),
    ("CREATE EXTENSION pageinspect", "extension pageinspect", "EXTENSION pageinspect"),
]


def test_no_copy_is_begun_of_what_it_could_not_have(vault: Vault) -> None:
    tenant = vault.add()
    clone = CloneOrder(tenant, TenantId(f"c{tenant.value[1:]}"))
    vault.execute("here", "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", tenant.value)
    for statement, named, thing in NO_COPY:
        vault.execute("here", statement, tenant.value)
        for is_clone in (False, True):
            with pytest.raises(Conflict) as refusal:
                _ = vault.clones.start(clone, "op-1") if is_clone else vault.relocations.move(tenant, "there", "op-1")
            assert (refusal.value.code, refusal.value.details) == ("unrestorable", named)
        vault.execute("here", f"DROP {thing}", tenant.value)
    assert (vault.tenant(tenant).relocation, vault.world.registry.tenant(clone.tenant_id)) == ("", None)
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    vault.execute("there", f"{NO_COPY[0][0]}; DELETE FROM candidates WHERE id = 1", tenant.value)
    with pytest.raises(Conflict, match="no copy can have"):
        vault.perform(vault.relocations.undo(tenant, "op-1"))
    vault.execute("there", "DROP EVENT TRIGGER e", tenant.value)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert len(vault.run_as(tenant, "SELECT 1 FROM candidates")) == 199


def test_no_promotion_is_begun_of_what_it_could_not_have(vault: Vault) -> None:
    tenant = vault.add(Isolation.SCHEMA)
    vault.run_as(tenant, "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    vault.execute("here", f'ALTER FUNCTION "{tenant}".one() LEAKPROOF', "tenantry_schemas")
    with pytest.raises(Conflict) as refusal:
        vault.relocations.promote(tenant, Isolation.DATABASE, "op-1")
    assert (refusal.value.code, refusal.value.details) == ("unrestorable", f"function {tenant}.one()")
