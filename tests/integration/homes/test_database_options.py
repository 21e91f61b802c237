"""A database is made with the encoding and locale of another one, or the server says that it lacks that locale."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.tenant import Home, Isolation
from tenantry.homes.database_home import DatabaseHome
from tenantry.homes.database_options import create_database, read_options, require_locale
from tests.integration.conftest import World
from tests.integration.homes.conftest import new_id
from tests.oldest_server import oldest_postgres

LATIN = DatabaseOptions("LATIN1", "libc", "C", "C")
UNICODE = DatabaseOptions("UTF8", "builtin", "C", "C.UTF-8", "PG_UNICODE_FAST")
GERMAN = DatabaseOptions("UTF8", "icu", "C", "C", "de-DE")
BYTES = DatabaseOptions("SQL_ASCII", "libc", "C", "C")
LACKING = {
    "of the system": replace(LATIN, collation="xx_YY.ISO8859-1"),
    "of letters": replace(LATIN, character_type="xx_YY"),
    # The servers of these tests are built without it.
    "of ICU": GERMAN,
}


@pytest.mark.parametrize("options", [LATIN, UNICODE, BYTES], ids=lambda options: options.encoding)
def test_a_database_is_made_as_another_one_was(world: World, options: DatabaseOptions) -> None:
    tenant = new_id("d")
    home = DatabaseHome(tenant, Home("local", Isolation.DATABASE, tenant.value, "public"), world.admin)
    world.execute(f'CREATE ROLE "{tenant}_owner"')
    try:
        for wanted in (options, DatabaseOptions()):
            home.make_empty(wanted)
            found = read_options(world.admin, tenant.value)
            assert found == (wanted if wanted.provider else read_options(world.admin, "postgres"))
        with pytest.raises(Conflict) as refusal:
            home.make_empty(LACKING["of the system"])
        assert refusal.value.code == "locale_unavailable"
        # What was there is there still.
        assert read_options(world.admin, tenant.value) == found
    finally:
        home.drop()
        world.execute(f'DROP ROLE "{tenant}_owner"')


@pytest.mark.parametrize("options", LACKING.values(), ids=LACKING)
def test_a_locale_that_the_server_lacks_is_told(world: World, options: DatabaseOptions) -> None:
    with pytest.raises(Conflict) as refusal:
        require_locale(world.admin, options)
    assert refusal.value.code == "locale_unavailable"
    assert options.encoding in str(refusal.value.details)


def test_a_database_that_is_gone_has_no_options(world: World) -> None:
    with pytest.raises(NotFound) as refusal:
        read_options(world.admin, "no such database")
    assert refusal.value.code == "database_missing"


@pytest.fixture(scope="module")
def oldest() -> Iterator[AdminConnect]:
    """Connects to PostgreSQL 15, which knows ICU, by other names."""
    with oldest_postgres() as server:

        def connect(database: str) -> Any:
            connection = server.connect(database)
            connection.autocommit = True
            return connection

        yield connect


@pytest.mark.parametrize("options", [LATIN, BYTES, GERMAN], ids=lambda options: options.encoding + options.locale)
def test_the_oldest_server_makes_it_too(oldest: AdminConnect, options: DatabaseOptions) -> None:
    require_locale(oldest, options)
    with closing(oldest("postgres")) as connection, connection.cursor() as cursor:
        create_database(cursor, "made", "postgres", options)
        assert read_options(oldest, "made") == options
        cursor.execute("DROP DATABASE made")
