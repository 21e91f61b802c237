"""The real pgAdmin 4 imports an operator's answer, connects, reads a tenant's rows and can't write."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tenantry.domain.pgadmin import DeskFiles
from tests.integration.access.inspection.conftest import OPERATOR, Desk
from tests.integration.access.inspection.real_pgadmin import RealPgAdmin, environment

ROWS = "SELECT count(*) FROM candidates"
ALLOW, WRITE = "SET default_transaction_read_only = off; COMMIT;", "DELETE FROM candidates"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> RealPgAdmin:
    """A pgAdmin that has been started for the first time, and has no servers."""
    made = RealPgAdmin(environment(), tmp_path_factory.mktemp("prepared"))
    made.prepare()
    return made


@pytest.fixture
def pgadmin(prepared: RealPgAdmin, tmp_path: Path) -> RealPgAdmin:
    """A pgAdmin of each test's own, with a home directory of its own."""
    shutil.copytree(prepared.home, tmp_path / "home")
    return RealPgAdmin(prepared.python, tmp_path / "home")


def kept(entry: dict[str, Any], dumped: dict[str, Any]) -> dict[str, Any]:
    """What pgAdmin stores of an entry, without its own additions."""
    return {name: dumped.get(name) for name in entry}


def test_pgadmin_imports_every_server_as_it_was_written(desk: Desk, pgadmin: RealPgAdmin) -> None:
    look = desk.open(*desk.world.tenants)
    told, dumped = pgadmin.import_and_dump_servers(look.servers)
    assert "Added 1 Server Group(s) and 2 Server(s)." in told
    entries = look.servers["Servers"]
    assert [kept(entries[number], dumped[number]) for number in entries] == list(entries.values())
    assert {entry["Group"] for entry in dumped.values()} == {"Tenantry test, ap-south-1, local"}
    assert OPERATOR in dumped["1"]["Comment"]
    # What pgAdmin keeps is enough for libpq, without any word of ours.
    passfile = pgadmin.write_file("passwords", "".join(f"{line}\n" for line in desk.pass_lines(look)))
    for rows, entry in zip([(10,), (7,)], dumped.values(), strict=True):
        stored = {"host": entry["Host"], "port": entry["Port"], "dbname": entry["MaintenanceDB"]}
        parameters = entry["ConnectionParameters"] | {"passfile": str(passfile), "user": entry["Username"]}
        with closing(psycopg2.connect(**stored, **parameters)) as connection, connection.cursor() as cursor:
            cursor.execute(ROWS)
            assert cursor.fetchone() == rows


def test_pgadmin_reads_a_tenants_rows_and_its_writes_are_refused(desk: Desk, pgadmin: RealPgAdmin) -> None:
    """The password file is where libpq looks for it by default, so pgAdmin asks for no password."""
    mine, theirs = desk.world.tenants
    look = desk.open(mine, theirs)
    pgadmin.import_servers(look.servers)
    pgadmin.write_file(".pgpass", "".join(f"{line}\n" for line in desk.pass_lines(look)))
    first, second = pgadmin.browse((str(mine), [ROWS, WRITE, f"{ALLOW} {WRITE}", ROWS]), (str(theirs), [ROWS]))
    assert (first["connected"], second["connected"]) == (1, 1)
    # The tree shows the tenant's database and no other.
    assert (first["databases"], second["databases"]) == ([str(mine)], [str(theirs)])
    rows, refused, still_refused, after = first["results"]
    assert rows["rows"] == after["rows"] == [["10"]]
    assert "read-only transaction" in refused["told"]
    assert "permission denied for table candidates" in still_refused["told"]
    assert second["results"][0]["rows"] == [["7"]]
    assert desk.world.execute(ROWS, str(mine)) == [(10,)]


def test_pgadmin_takes_a_password_file_of_another_place_until_the_time_is_over(
    desk: Desk, pgadmin: RealPgAdmin
) -> None:
    mine, theirs = desk.world.tenants
    passfile = pgadmin.write_file("somewhere/passwords", "")
    look = desk.open(mine, theirs, files=DeskFiles(passfile=str(passfile)))
    passfile.write_text("".join(f"{line}\n" for line in desk.pass_lines(look)))
    pgadmin.import_servers(look.servers)
    login = look.servers["Servers"]["1"]["Username"]
    desk.world.execute(f"""ALTER ROLE "{login}" VALID UNTIL '{datetime.now(UTC) - timedelta(seconds=1)}'""")
    over, valid = pgadmin.browse((str(mine), [ROWS]), (str(theirs), [ROWS]))
    assert (over["connected"], valid["connected"]) == (0, 1)
    assert "password authentication failed" in over["told"]
    assert valid["results"][0]["rows"] == [["7"]]
