"""A dump is untrusted input: its contents run as the tenant's own role, in a database of its own, or not at all."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any
from uuid import uuid4

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import World
from tests.integration.restores.conftest import ROWS, Vault
from tests.integration.restores.forgery import dump_as_superuser, publish

# Does all the harm that it may, whenever somebody runs it, and says that all is well.
HARM = """
CREATE FUNCTION public.do_harm() RETURNS boolean LANGUAGE plpgsql AS $harm$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        'ALTER ROLE "{tenant}_login_a" SUPERUSER',
        'ALTER ROLE "{tenant}_owner" BYPASSRLS',
        'GRANT "{other}_owner" TO "{tenant}_login_a" WITH SET TRUE',
        'ALTER SYSTEM SET work_mem = ''3333kB''',
        'COPY (SELECT 1) TO PROGRAM ''touch {file}''',
        'CREATE ROLE "{tenant}_evil" SUPERUSER LOGIN',
        'GRANT pg_execute_server_program TO "{tenant}_owner"',
        'ALTER DATABASE "{other}" OWNER TO "{tenant}_owner"'
    ] LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
    RETURN true;
END $harm$;
-- It says that it changes nothing, so that it may be in an index.
CREATE FUNCTION public.harm(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
$harm$ BEGIN RETURN public.do_harm(); END $harm$;
"""
TRAPS = {
    "check": "CREATE TABLE trap (i int CHECK (public.harm(i))); INSERT INTO trap VALUES (1)",
    "index": "CREATE TABLE trap AS SELECT 1 AS i; CREATE INDEX ON trap (public.harm(i))",
    "trigger": """CREATE FUNCTION public.pull() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN PERFORM public.harm(1); RETURN NEW; END $$;
                  CREATE TABLE trap (i int);
                  CREATE TRIGGER pull BEFORE INSERT OR UPDATE ON trap FOR EACH ROW EXECUTE FUNCTION public.pull();
                  INSERT INTO trap VALUES (1)""",
    "default": "CREATE TABLE trap (i int, b boolean DEFAULT public.harm(1)); INSERT INTO trap VALUES (1)",
    "generated": "CREATE TABLE trap (i int, b boolean GENERATED ALWAYS AS (public.harm(i)) STORED);"
    "INSERT INTO trap VALUES (1)",
    "policy": "CREATE TABLE trap (i int); ALTER TABLE trap ENABLE ROW LEVEL SECURITY;"
    "CREATE POLICY pull ON trap USING (public.harm(i)); INSERT INTO trap VALUES (1)",
    "materialized view": "CREATE MATERIALIZED VIEW trap AS SELECT public.harm(1)",
    "security definer": "ALTER FUNCTION public.harm(anyelement) SECURITY DEFINER;"
    "CREATE TABLE trap (i int CHECK (public.harm(i))); INSERT INTO trap VALUES (1)",
    "revision": "ALTER TABLE alembic_version RENAME TO version;"
    "CREATE VIEW alembic_version AS SELECT version_num FROM version WHERE public.harm(1)",
    "operator": """CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.harm(1)';
                   CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);
                   CREATE FUNCTION public.starts_with(name, text) RETURNS boolean LANGUAGE sql AS
                   'SELECT public.harm(1)'""",
    "domain": "CREATE DOMAIN trapped AS int CHECK (public.harm(VALUE));CREATE TABLE trap AS SELECT 1::trapped AS i",
}
# What only a superuser may make: nobody of ours is one while a dump is restored.
FORBIDDEN = {
    "event trigger": """CREATE FUNCTION public.pull() RETURNS event_trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM public.harm(1); END $$;
                        CREATE EVENT TRIGGER pull ON ddl_command_end EXECUTE FUNCTION public.pull()""",
    "internal function": "CREATE FUNCTION public.wild(text) RETURNS int LANGUAGE internal AS 'charout'",
    "foreign data wrapper": "CREATE FOREIGN DATA WRAPPER wild",
    "leakproof": "CREATE FUNCTION public.wild(int) RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'",
}


@pytest.fixture
def file() -> Iterator[Path]:
    """The file that would exist if a program had been run."""
    name = Path(gettempdir()) / f"harm-{uuid4().hex}"
    yield name
    name.unlink(missing_ok=True)


def powers(vault: Vault) -> list[Any]:
    """Everything that would reveal harm."""
    found: list[Any] = []
    for query in (
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname !~ '_copy$' ORDER BY 1",
        "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2",
        "SELECT name, setting FROM pg_file_settings ORDER BY 1",
        "SELECT datname, datdba::regrole::text FROM pg_database WHERE datname !~ '_(before|restore)_' ORDER BY 1",
    ):
        found += vault.execute("here", query)
    return found


def harmful(tenant: TenantId, other: TenantId, file: Path) -> str:
    return HARM.replace("{tenant}", tenant.value).replace("{other}", other.value).replace("{file}", str(file))


@dataclass(frozen=True)
class Restored:
    """A tenant in which all traps lay while it was restored: the files of each, and what was before and after."""

    files: dict[str, Path]
    leftovers: list[str]
    rows: tuple[list[Any], list[Any]]
    powers: tuple[list[Any], list[Any]]


def numbered(script: str, number: int) -> str:
    """Give what a trap consists of names of its own, so that all lie in one database."""
    return re.sub(r"\b(do_harm|harm|trap|trapped|pull|version)\b(?!\$)", rf"\1_{number}", script).replace(
        '_evil"', f'_evil_{number}"'
    )


@pytest.fixture(scope="module")
def restored(servers_of_the_module: tuple[World, PostgresServer], s3: Any) -> Iterator[Callable[[Isolation], Restored]]:
    """Restore a tenant of a model with all traps in it, once."""
    vault = Vault(*servers_of_the_module, s3)
    with TemporaryDirectory(prefix="tenantry-traps-") as directory:
        # The server may be another user.
        Path(directory).chmod(0o777)

        @cache
        def restore(isolation: Isolation) -> Restored:
            tenant, other = vault.add(isolation), vault.add()
            files = {trap: Path(directory) / f"{isolation}-{number}" for number, trap in enumerate(TRAPS)}
            for number, trap in enumerate(TRAPS):
                script = numbered(harmful(tenant, other, files[trap]) + TRAPS[trap], number)
                vault.run_as(tenant, script.replace("public.", f'"{vault.credentials(tenant).schema}".'))
            rows, had = vault.run_as(tenant, ROWS), powers(vault)
            # Nothing may end it before the last trap.
            vault.perform_well(vault.start(vault.back_up(tenant)))
            vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
            return Restored(files, vault.leftovers(tenant), (rows, vault.run_as(tenant, ROWS)), (had, powers(vault)))

        try:
            yield restore
        finally:
            vault.drop()


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_catches_nobody(restored: Callable[[Isolation], Restored], isolation: Isolation, trap: str) -> None:
    found = restored(isolation)
    assert not found.files[trap].exists()
    assert found.powers[1] == found.powers[0]
    assert found.rows[1] == found.rows[0]
    assert found.leftovers == []


def test_a_trap_works_where_a_superuser_restores(vault: Vault, file: Path) -> None:
    """This tests the tests: another tool's way to restore would fall into the trap."""
    tenant, other = vault.add(), vault.add()
    script = harmful(tenant, other, file) + TRAPS["check"]
    had = powers(vault)
    vault.execute("here", script, tenant.value)
    assert powers(vault) != had
    assert file.exists()
    vault.execute("here", f'ALTER ROLE "{tenant}_login_a" NOSUPERUSER')
    vault.execute("here", f'ALTER ROLE "{tenant}_owner" NOBYPASSRLS')
    vault.execute("here", f'DROP ROLE "{tenant}_evil"')
    vault.execute("here", f'REVOKE pg_execute_server_program FROM "{tenant}_owner"')
    vault.execute("here", f'REVOKE "{other}_owner" FROM "{tenant}_login_a"')
    vault.execute("here", f'ALTER DATABASE "{other}" OWNER TO "{other}_owner"')
    vault.execute("here", "ALTER SYSTEM RESET ALL")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_only_a_superuser_may_make_is_not_restored(vault: Vault, what: str, file: Path) -> None:
    tenant, other = vault.add(), vault.add()
    backup = vault.back_up(tenant)
    rows, had = vault.run_as(tenant, ROWS), powers(vault)
    vault.execute("here", harmful(tenant, other, file), tenant.value)
    vault.execute("here", FORBIDDEN[what], tenant.value)
    forged = publish(vault, backup, dump_as_superuser(vault, tenant.value))
    vault.execute("here", "DROP EVENT TRIGGER IF EXISTS pull", tenant.value)
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(forged))
    assert failure.value.code == "restore_failed"
    # The event trigger is set off by its own making in the live database, which a superuser did here.
    harmless = [power for power in powers(vault) if power in had]
    assert harmless == had or what == "event trigger"
    assert vault.run_as(tenant, ROWS) == rows
    assert vault.leftovers(tenant) == []
