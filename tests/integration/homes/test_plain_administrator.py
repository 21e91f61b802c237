"""Every step on a home works for an administrator who is no superuser, also on the oldest supported server."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from local.ports import LOOPBACK, free_ports
from local.processes import wait_until
from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Isolation, new_home
from tenantry.reports.drift.references import Place, References, Wanted
from tenantry.revisions.scratch import SCRATCH_DATABASE
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.tenant_removal import TenantRemoval
from tests.integration.conftest import IMPATIENT
from tests.integration.homes.conftest import MODELS, new_id
from tests.postgres import quick_place, temporary_postgres

OLDEST = Path("/usr/lib/postgresql/15/bin")
NAME, PASSWORD = "plain_administrator", "of a test only"
RIGHTS = f"""CREATE ROLE {NAME} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';
             GRANT SET ON PARAMETER tenantry.tenant_id TO {NAME}"""
STEPS = ["make", "make", "fence", "unfence", "close", "open", "make_empty", "make_empty", "upgrade", "grant", "open"]


@pytest.fixture(scope="module")
def newest() -> Iterator[AdminConnect]:
    """A server of this module's own: on the others, a superuser has made the databases that tenants share."""
    with temporary_postgres("for a plain administrator") as server:

        def connect(database: str) -> Any:
            connection = server.connect(database, user=NAME, password=PASSWORD, options=IMPATIENT)
            connection.autocommit = True
            return connection

        with closing(server.connect()) as connection:
            connection.autocommit = True
            connection.cursor().execute(RIGHTS)
        yield connect


@pytest.fixture(scope="module")
def oldest() -> Iterator[AdminConnect]:
    """An installed PostgreSQL 15, with such an administrator."""
    if not (OLDEST / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="tenantry-oldest-", dir=quick_place()) as directory:
        Path(directory).chmod(0o777)
        data, port = f"{directory}/data", free_ports(1)[0]
        initialise = [
            str(OLDEST / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
            "--locale=C.UTF-8",
        ]
        subprocess.run([*as_postgres, *initialise], check=True, capture_output=True)
        # Logins of ours have to show a password that this server can verify.
        rules = [f"host all postgres,{NAME} {LOOPBACK}/32 trust", f"host all all {LOOPBACK}/32 scram-sha-256"]
        Path(data, "pg_hba.conf").write_text("\n".join(rules) + "\n")
        settings = [f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "fsync=off"]
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        command = [*as_postgres, str(OLDEST / "postgres"), "-D", data, "-p", str(port), *arguments]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)

        def connect(database: str, user: str = NAME) -> Any:
            connection = psycopg2.connect(host=LOOPBACK, port=port, user=user, dbname=database)
            connection.autocommit = True
            return connection

        def answers() -> bool:
            try:
                connect("postgres", "postgres").close()
            except psycopg2.OperationalError:
                return False
            return True

        try:
            assert wait_until(answers, within=30)
            with closing(connect("postgres", "postgres")) as connection:
                connection.cursor().execute(RIGHTS)
            yield connect
        finally:
            server.terminate()
            server.wait(timeout=30)


def walk_through(connect: AdminConnect, model: Isolation) -> None:
    tenant, admin = new_id(), ServerAdmin(connect)
    home = admin.home(tenant, new_home(tenant, "local", model))
    assert admin.facts().may_make_tenants
    admin.close_maintenance_databases()
    for _ in range(2):
        admin.make_roles(tenant, f"{tenant}_login_a", "a password", 5)
    for step in STEPS:
        getattr(home, step)()
    assert home.size() is not None
    home.drop()
    removal = TenantRemoval(connect)
    removal.drop_roles(removal.find_roles(tenant))
    assert (home.size(), removal.find_roles(tenant)) == (None, [])


def read_reference(connect: AdminConnect, model: Isolation) -> None:
    """What a home's structure is compared with, in the drift report."""
    nobody = Credentials(LOOPBACK, 1, "", "", "")
    found = References().find(Place("local", nobody, connect), Wanted(model, "0001"))
    assert ("table", "@.candidates") in found
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (SCRATCH_DATABASE,))
        assert not cursor.fetchall()


@pytest.mark.parametrize("model", MODELS)
def test_on_the_newest_server(newest: AdminConnect, model: Isolation) -> None:
    walk_through(newest, model)
    read_reference(newest, model)


@pytest.mark.parametrize("model", MODELS)
def test_on_the_oldest_server(oldest: AdminConnect, model: Isolation) -> None:
    walk_through(oldest, model)
    read_reference(oldest, model)
