"""What a dump of an older server brings to a newer one is the same, however each of them writes it."""

import os
import subprocess
import uuid
from contextlib import closing
from dataclasses import replace
from typing import Any

from local.postgres_server import PostgresServer
from tenantry.contents.fingerprint import read_fingerprint
from tenantry.domain.fingerprint import Fingerprint
from tenantry.domain.tenant import Home, Isolation
from tests.integration.contents.test_fingerprint import EVERYTHING
from tests.integration.relocation.conftest import BINARIES
from tests.oldest_server import oldest_postgres


def execute(server: Any, database: str, statement: str) -> None:
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)


def read(server: Any, database: str) -> Fingerprint:
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'")
        return read_fingerprint(connection, Home("", Isolation.DATABASE, database, "public")).fingerprint


def program(server: Any, name: str, *options: str, given: bytes = b"") -> bytes:
    login = {"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.admin_user}
    environment = {**os.environ, **login, "PGPASSWORD": server.admin_password}
    done = subprocess.run(
        [str(BINARIES / name), *options], env=environment, input=given, capture_output=True, check=True
    )
    return done.stdout


def test_an_older_servers_definitions_are_found_again_on_a_newer_one(postgres: PostgresServer) -> None:
    database = f"older-{uuid.uuid4().hex[:8]}"
    with oldest_postgres() as older:
        execute(older, "postgres", f'CREATE DATABASE "{database}"')
        execute(older, database, EVERYTHING)
        execute(postgres, "postgres", f'CREATE DATABASE "{database}"')
        try:
            dump = program(older, "pg_dump", "--format=custom", database)
            program(postgres, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={database}", given=dump)
            there, here = read(older, database), read(postgres, database)
            assert there.differences(here, "public") == []
            assert here.differences(there, "public") == []
            # The two do write some differently, and would be told apart by that.
            assert replace(there, major=here.major).differences(here, "public")
            execute(postgres, database, "DROP VIEW v; ALTER TABLE parents ALTER tags SET NOT NULL")
            lost = there.differences(read(postgres, database), "public")
        finally:
            execute(postgres, "postgres", f'DROP DATABASE "{database}" WITH (FORCE)')
    assert {"view public.v", "column public.parents.tags"} <= set(lost)
