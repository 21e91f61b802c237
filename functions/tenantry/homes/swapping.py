"""Lets what was restored beside take the place of what is there, and keeps that: two renames in one transaction.

Nobody is let in from `shut` on; what is renamed keeps its rights, its settings and whose it says it is.
"""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database import database_removal
from tenantry.database.admin_sql import AdminConnect, execute, in_transaction, run, transaction
from tenantry.database.marks import name_taken
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import IdentityMismatch
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.homes.ownership import is_tenants_database, schema_owner
from tenantry.homes.sessions import end_sessions

# More sessions than a backup, a copy and a report have at once in one database.
_OUR_SESSIONS = 20


def has_database(connect: AdminConnect, name: str) -> bool:
    """Tell whether a server has a database of that name. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        return _has_database(cursor, name)


def has_schema(connect: AdminConnect, database: str, name: str) -> bool:
    """Tell whether a database is there and has a schema of that name. :raises TenantryError: the server refused."""
    if not has_database(connect, database):
        return False
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        return _has_schema(cursor, name)


def shut(connect: AdminConnect, database: str) -> None:
    """Let nobody into a database, not even an administrator, and end the sessions there; it may be gone.

    :raises Conflict: sessions do not end.
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if not _has_database(cursor, database):
            return
        _allow(cursor, database, allowed=False)
    end_sessions(connect, database)


def leave_public(connect: AdminConnect, source: str, target: str, owner: str) -> None:
    """Let the schema `public` belong to whoever owns the database, as a new one's does, if it does so in another.

    :param owner: the role that owns the database and the schema.
    :raises TenantryError: the server refused.
    """
    if not _has_databases_public(connect, source) or _has_databases_public(connect, target) is not False:
        return
    change = "SET ROLE {}; ALTER SCHEMA public OWNER TO pg_database_owner"
    run(connect, target, sql.SQL(change).format(sql.Identifier(owner)))


def _has_databases_public(connect: AdminConnect, database: str) -> bool | None:
    """Tell whether `public` is the database owner's; None: there is no such schema."""
    query = "SELECT pg_get_userbyid(nspowner) = 'pg_database_owner' FROM pg_namespace WHERE nspname = 'public'"
    with transaction(connect, database) as cursor:
        execute(cursor, query)
        found = cursor.fetchone()
        return bool(found[0]) if found else None


def unshut(connect: AdminConnect, database: str) -> None:
    """Let those into a database again who have the right to; it may be gone. :raises TenantryError: it refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if _has_database(cursor, database):
            _allow(cursor, database, allowed=True)


def readmit(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Let administrators into a database whose owner has shut it; a home of another model has no owner who could.

    A limit of connections that leaves room for our sessions stays. Not while it is shut for a swap.

    :raises TenantryError: the server refused.
    """
    if home.isolation is not Isolation.DATABASE:
        return
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        if is_tenants_database(cursor, tenant_id, home.database):
            execute(cursor, "SELECT datconnlimit FROM pg_database WHERE datname = %s", (home.database,))
            found = cursor.fetchone()
            limit = sql.SQL("" if found and leaves_room(found[0]) else "CONNECTION LIMIT -1")
            admit = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true IS_TEMPLATE false {}")
            execute(cursor, admit.format(sql.Identifier(home.database), limit))


def leaves_room(connection_limit: int) -> bool:
    """Tell whether a database's limit of connections lets ours in beside the tenant's; -1 is no limit."""
    return connection_limit < 0 or connection_limit >= _OUR_SESSIONS


def swap_databases(connect: AdminConnect, tenant_id: TenantId, live: str, staging: str, kept: str) -> None:
    """Give a database the name of another, which is kept under a third name; there may be no other.

    :raises IdentityMismatch: one of them says that it is another tenant's.
    :raises TenantryError: the server refused; nothing is renamed.
    """

    def work(cursor: Any) -> None:
        if _has_database(cursor, live):
            _require_own(cursor, tenant_id, live)
            _rename(cursor, "DATABASE", live, kept)
        _require_own(cursor, tenant_id, staging)
        _rename(cursor, "DATABASE", staging, live)

    in_transaction(connect, "postgres", work, shared=True)


def swap_schemas(connect: AdminConnect, database: str, live: str, staging: str, kept: str) -> None:
    """Give a schema the name of another, which is kept under a third name; there may be no other.

    :raises TenantryError: the server refused; nothing is renamed.
    """

    def work(cursor: Any) -> None:
        if _has_schema(cursor, live):
            _rename(cursor, "SCHEMA", live, kept)
        _rename(cursor, "SCHEMA", staging, live)

    in_transaction(connect, database, work, shared=True)


def give_way(connect: AdminConnect, database: str, owner: str, live: str, kept: str) -> None:
    """Make an empty schema in the place of one that is kept under another name; it may be repeated.

    What an earlier attempt has put there is dropped. What was there before that is kept once, and then left alone.

    :param kept: empty: there was nothing before, so there is nothing to keep.
    :raises Conflict: the schema that is there is not this owner's (`name_taken`).
    :raises TenantryError: the server refused; nothing is changed.
    """

    def work(cursor: Any) -> None:
        _clear(cursor, owner, live, kept)
        execute(cursor, _create(live, owner))

    in_transaction(connect, database, work, shared=True)


def take_place_back(connect: AdminConnect, database: str, owner: str, live: str, kept: str) -> None:
    """Undo `give_way`: what was kept has its name again, and what came instead is dropped; it may be repeated.

    :raises Conflict: the schema that is there is not this owner's (`name_taken`).
    :raises TenantryError: the server refused; nothing is changed.
    """

    def work(cursor: Any) -> None:
        if not kept:
            _drop_own(cursor, owner, live)
        elif _has_schema(cursor, kept):
            _drop_own(cursor, owner, live)
            _rename(cursor, "SCHEMA", kept, live)

    in_transaction(connect, database, work, shared=True)


def has_tables(connect: AdminConnect, database: str, schema: str) -> bool:
    """Tell whether there is a schema of that name with tables in it. :raises TenantryError: the server refused."""
    query = (
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = %s AND relkind = 'r'"
    )
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, query, (schema,))
        return cursor.fetchone() is not None


def rename_schema(connect: AdminConnect, database: str, owner: str, old: str, new: str) -> None:
    """Give a schema another name, as its owner; it may have that already. :raises TenantryError: the server refused."""
    if has_schema(connect, database, old):
        rename = sql.SQL("SET ROLE {}; ALTER SCHEMA {} RENAME TO {}")
        run(connect, database, rename.format(*map(sql.Identifier, (owner, old, new))))


def make_schema(connect: AdminConnect, database: str, schema: str, owner: str) -> None:
    """Make an empty schema anew, for its owner alone. :raises TenantryError: the server refused."""
    drop_schema(connect, database, schema)
    run(connect, database, _create(schema, owner))


def make_closed_schema(connect: AdminConnect, database: str, schema: str, owner: str) -> None:
    """Make an empty schema anew that nobody but its owner may use, whatever the owner grants by default.

    :raises TenantryError: the server refused.
    """
    drop_schema(connect, database, schema)

    def work(cursor: Any) -> None:
        create = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}")
        execute(cursor, create.format(sql.Identifier(schema), sql.Identifier(owner)))
        _close(cursor, schema)

    in_transaction(connect, database, work)


def close_schema(connect: AdminConnect, database: str, schema: str) -> None:
    """Take from everybody but the owner the rights to a schema and to the tables, sequences and functions in it.

    :raises TenantryError: the server refused; nothing is changed.
    """
    in_transaction(connect, database, lambda cursor: _close(cursor, schema))


def _close(cursor: Any, schema: str) -> None:
    execute(cursor, load_sql("homes/granted_in_schema"), {"schema": schema})
    for kind, name, others in cursor.fetchall():
        whom = sql.SQL(", ").join(sql.Identifier(role) if role else sql.SQL("PUBLIC") for role in others)
        # The name is an identity that PostgreSQL has spelt, with its quotes.
        revoke = sql.SQL(f"REVOKE ALL ON {kind} {{}} FROM {{}} CASCADE")
        execute(cursor, revoke.format(sql.SQL(name), whom))


def drop_schema(connect: AdminConnect, database: str, schema: str) -> None:
    """Drop a schema with everything in it; it may be gone. :raises TenantryError: the server refused."""
    # A large schema takes longer than an administrator's statement usually may.
    drop = sql.SQL("SET statement_timeout = '10min'; DROP SCHEMA IF EXISTS {} CASCADE")
    run(connect, database, drop.format(sql.Identifier(schema)))


def drop_database(connect: AdminConnect, database: str) -> None:
    """Drop a database, whoever is connected to it; it may be gone. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        database_removal.drop_database(cursor, database)


def _has_database(cursor: Any, name: str) -> bool:
    execute(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    return cursor.fetchone() is not None


def _has_schema(cursor: Any, name: str) -> bool:
    execute(cursor, "SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,))
    return cursor.fetchone() is not None


def _clear(cursor: Any, owner: str, live: str, kept: str) -> None:
    if kept and not _has_schema(cursor, kept):
        if _is_own(cursor, owner, live):
            _rename(cursor, "SCHEMA", live, kept)
        else:
            # Its owner has dropped it since: that nothing was there is what a repetition has to find.
            execute(cursor, _create(kept, owner))
    else:
        _drop_own(cursor, owner, live)


def _create(schema: str, owner: str) -> sql.Composable:
    return sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(owner))


def _is_own(cursor: Any, owner: str, schema: str) -> bool:
    found = schema_owner(cursor, schema)
    if found not in (None, owner):
        raise name_taken(f"schema {schema}")
    return found is not None


def _drop_own(cursor: Any, owner: str, schema: str) -> None:
    if _is_own(cursor, owner, schema):
        # A large schema takes longer than an administrator's statement usually may.
        drop = sql.SQL("SET LOCAL statement_timeout = '10min'; DROP SCHEMA {} CASCADE")
        execute(cursor, drop.format(sql.Identifier(schema)))


def _allow(cursor: Any, database: str, *, allowed: bool) -> None:
    change = sql.SQL(f"ALTER DATABASE {{}} ALLOW_CONNECTIONS {'true' if allowed else 'false'}")
    execute(cursor, change.format(sql.Identifier(database)))


def _require_own(cursor: Any, tenant_id: TenantId, database: str) -> None:
    execute(cursor, load_sql("homes/database_identity"), (database,))
    found = cursor.fetchone()
    if found and found[1] != tenant_id.value:
        raise IdentityMismatch()


def _rename(cursor: Any, kind: str, old: str, new: str) -> None:
    rename = sql.SQL(f"ALTER {kind} {{}} RENAME TO {{}}")
    execute(cursor, rename.format(sql.Identifier(old), sql.Identifier(new)))
