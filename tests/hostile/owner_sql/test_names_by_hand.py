"""What a tenant names is text, for whoever restores by hand too: never a command."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg2 import sql

from tenantry.domain.tenant import TenantId
from tests.integration.relocation.conftest import superuser
from tests.integration.restores.conftest import Vault

# Each makes the file `harm` where a shell, psql or Python's formatting takes it for more than a name, or plays with a
# terminal.
NAMES = {
    "psql's shell": 'x"; \\! touch harm  #',
    "psql's shell, in a line of its own": "x\n\\! touch harm\n",
    "psql runs answers": "x' \\gexec",
    "psql's variables": ":x :'x' :\"x\"",
    "substitution": "$(touch harm)",
    "backticks": "`touch harm`",
    "quotes": "'; touch harm; '",
    "an option": "--help",
    "a file": "@manifest.json",
    "formatting": "%s %(x)s {0.__class__} {rows}",
    "backslashes": "\\x1b\\",
    "colours": "\x1b[2J\x1b]0;owned\x07",
    "from the right": "\u202egpj.elbat",
    "isolated": "\u2066a\u2069",
    "a carriage return": "same\r",
    "a next line": "a\u0085b\u2028c",
    "not to be seen": "a\u200bb",
    "marks on marks": "e\u0301\u0301\u0301",
}
# All that a terminal may be sent: letters, digits, and what stands on keys.
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u0300-\u036f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def by_hand(
    vault: Vault,
    tenant_id: TenantId,
    directory: Path,
    *words: str,
    as_administrator: bool = False,
    variables: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command as the guide does, where the tenant lives, with what its login or the administrator may."""
    made = superuser(vault.postgres["here"]) if as_administrator else vault.credentials(tenant_id)
    return subprocess.run(
        [sys.executable, "-m", "tenantry.restores.by_hand", *words],
        cwd=directory,
        env=os.environ
        | {
            "PYTHONPATH": str(Path("functions").absolute()),
            "PYTHONIOENCODING": "utf-8",
            "PGHOST": made.host,
            "PGPORT": str(made.port),
            "PGUSER": made.username,
            "PGPASSWORD": made.password,
            "PGSSLMODE": "disable",
        }
        | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def back_up(vault: Vault, tenant_id: TenantId, directory: Path) -> None:
    """Fetch the newest backup's objects, as the guide does."""
    backup = vault.back_up(tenant_id)
    for name in ("manifest.json", "dump.zst"):
        key = f"tenants/{tenant_id}/backups/{backup.backup_id}/{name}"
        (directory / name).write_bytes(vault.s3.get_object(Bucket=backup.bucket, Key=key)["Body"].read())


def make_tables(vault: Vault, tenant_id: TenantId) -> None:
    for name in NAMES.values():
        place = [sql.Identifier(name), sql.Identifier(name)]
        with vault.connect(tenant_id) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{tenant_id}_owner")))
            statement = sql.SQL("CREATE TABLE public.{} ({} int); INSERT INTO public.{} VALUES (1)")
            cursor.execute(statement.format(*place, place[0]))
            connection.commit()


def test_a_comparison_by_hand_takes_names_for_names(vault: Vault, tmp_path: Path) -> None:
    """Names tables so that a shell or psql would run them: they are compared, shown harmlessly, and nothing is run."""
    tenant_id = vault.add()
    make_tables(vault, tenant_id)
    back_up(vault, tenant_id, tmp_path)
    database = vault.credentials(tenant_id).dbname

    same = by_hand(vault, tenant_id, tmp_path, "compare", "manifest.json", database)
    assert same.returncode == 0, same.stdout
    lines = same.stdout.splitlines()
    # One line for each: of the names above, candidates and the revision; a heading and the end.
    assert sum(line.startswith("same ") for line in lines) == len(NAMES) + 2
    assert len(lines) == len(NAMES) + 4
    assert not OBEYED.search(same.stdout)

    vault.run_as(tenant_id, sql.SQL("DELETE FROM {}").format(sql.Identifier(NAMES["colours"])))  # type: ignore[arg-type]
    differs = by_hand(vault, tenant_id, tmp_path, "compare", "manifest.json", database)
    assert differs.returncode == 1
    (line,) = [line for line in differs.stdout.splitlines() if line.startswith("DIFFERENT")]
    assert line.endswith(r"  public.\x1b[2J\x1b]0;owned\x07")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dump.zst", "manifest.json"]


def test_what_was_written_over_is_noticed_by_hand(vault: Vault, tmp_path: Path) -> None:
    """Puts another dump in the place of one: the manifest's digest tells."""
    tenant_id = vault.add()
    back_up(vault, tenant_id, tmp_path)
    assert by_hand(vault, tenant_id, tmp_path, "dump", "manifest.json", "dump.zst").returncode == 0
    with (tmp_path / "dump.zst").open("ab") as file:
        file.write(b"more")
    assert by_hand(vault, tenant_id, tmp_path, "dump", "manifest.json", "dump.zst").returncode == 1


@pytest.mark.parametrize("value", ["\\! touch harm", "\x1b[2J", "'; ALTER ROLE x SUPERUSER; --", "$(touch harm)"])
def test_settings_are_repeated_as_values(vault: Vault, tmp_path: Path, value: str) -> None:
    """Sets the database to what a shell or psql would run: repeating it by hand sets that value and no more."""
    tenant_id = vault.add()
    database = sql.Identifier(tenant_id.value)
    here = sql.SQL("ALTER DATABASE {} SET application_name = {}").format(database, sql.Literal(value))
    vault.run_as(tenant_id, here)  # type: ignore[arg-type]
    role = sql.Identifier(f"{tenant_id}_viewer")
    of_role = sql.SQL("ALTER ROLE {} IN DATABASE {} SET app.note = {}").format(role, database, sql.Literal(value))
    with vault.world.admin() as administrator, administrator.cursor() as cursor:
        cursor.execute(of_role)
    back_up(vault, tenant_id, tmp_path)
    vault.run_as(tenant_id, sql.SQL("ALTER DATABASE {} RESET application_name").format(database))  # type: ignore[arg-type]

    done = by_hand(vault, tenant_id, tmp_path, "settings", "manifest.json", tenant_id.value, as_administrator=True)
    assert done.returncode == 0, done.stdout
    assert f"not repeated: setting  role {tenant_id}_viewer  app.note  " in done.stdout
    assert not OBEYED.search(done.stdout)
    found = vault.run_as(
        tenant_id,
        """SELECT substr(setting, length('application_name=') + 1) FROM pg_db_role_setting s, unnest(setconfig) setting
           JOIN pg_database d ON d.datname = current_database()
           WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(setting, 'application_name=')""",
    )
    assert found == [(value,)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dump.zst", "manifest.json"]


def test_a_file_that_is_no_manifest_is_not_repeated(tmp_path: Path, vault: Vault) -> None:
    """Puts something else where a manifest was: the command says so, and shows nothing of it."""
    (tmp_path / "manifest.json").write_text('{"tenant_id": "\\u001b[2J", "secret": "hunter2"}')
    told = by_hand(vault, vault.add(), tmp_path, "compare", "manifest.json", "x")
    assert told.returncode == 2
    assert told.stdout.splitlines() == ["backup_broken: That file is no manifest of a backup."]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PGPORT", "5432; id", "PGPORT: is no port"),
        ("PGSSLROOTCERT", "dump.zst", "dump.zst: holds no certificates (PEM)"),
        ("PGSSLROOTCERT", "missing", "missing: No such file or directory"),
    ],
)
def test_what_is_mistyped_is_no_difference(vault: Vault, tmp_path: Path, variable: str, value: str, told: str) -> None:
    """An operator mistypes a variable: the command says which, and not that something differs."""
    tenant = vault.add()
    back_up(vault, tenant, tmp_path)
    found = by_hand(vault, tenant, tmp_path, "compare", "manifest.json", tenant.value, variables={variable: value})
    assert (found.returncode, found.stdout.splitlines()) == (2, [told])
