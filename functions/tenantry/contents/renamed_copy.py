"""Copies a schema under another name: by way of a database of its own, where it is called as it was and then renamed.

PostgreSQL keeps by number what expressions name, so a rename reaches it; what spells the name in its text is refused.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.schema_names import require_schema_unnamed
from tenantry.contents.whole_reader import reading_whole
from tenantry.database.admin_sql import AdminConnect, run
from tenantry.database.connecting import ConnectSettings
from tenantry.database.sql_files import load_sql
from tenantry.domain.restore import staging_name
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.homes.database_home import DatabaseHome
from tenantry.homes.swapping import rename_schema

# Copies what a reader shows, in a snapshot, to another place.
type Dump = Callable[[ContentReader, str, Access], None]

# There is one at a time, which the next one finds and drops: in the place of an operation's id.
_TAG: Final = "0" * 10


def copy_renamed(
    reader: ContentReader,
    snapshot: str,
    target: Access,
    dump: Dump,
    *,
    tenant_id: TenantId,
    connect: AdminConnect,
    read_dump_password: Callable[[TenantId], str | None],
    settings: ConnectSettings,
) -> None:
    """Copy a schema into the empty one of another tenant.

    :param target: with the login of that tenant's copy.
    :param connect: as the administrator of the target's server.
    :raises Conflict: something in it spells its name (`schema_named`).
    :raises CopyFailed: it could not be copied.
    :raises TenantryError: a server refused or went away.
    """
    named, wanted = reader.access.home.schema, target.home.schema
    with _beside(tenant_id, connect, target, named) as beside:
        dump(reader, snapshot, beside)
        require_schema_unnamed(beside, settings)
        rename_schema(connect, beside.home.database, target.role, named, wanted)
        renamed = replace(beside, home=replace(beside.home, schema=wanted))
        with (
            reading_whole(connect, tenant_id, renamed, read_dump_password, settings) as opened,
            opened() as second,
        ):
            dump(second, second.export(), target)


@contextmanager
def _beside(tenant_id: TenantId, connect: AdminConnect, target: Access, schema: str) -> Iterator[Access]:
    """Make a database that is nobody's but the copy's, and drop it in the end, or when the next one is made."""
    database = staging_name(tenant_id, _TAG)
    home = DatabaseHome(tenant_id, Home(target.home.server_id, Isolation.DATABASE, database, schema), connect)
    home.make_empty()
    try:
        admit = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
            sql.Identifier(database), sql.Identifier(target.credentials.username)
        )
        run(connect, "postgres", load_sql("homes/lock_database_rights") + admit)
        place = replace(target.home, database=database, schema=schema)
        yield replace(target, home=place, credentials=replace(target.credentials, dbname=database, schema=schema))
    finally:
        home.drop()
