"""Gives tenants logins for backups alone, so that a backup depends on nothing that the tenant's own login is bound by.

There are two, because nothing of a tenant's may run with the rights of the first. As `…_dump`, pg_dump reads what
anybody owns in a tenant's own database; PostgreSQL evaluates nothing of the tenant's for it. As `…_count`, we hold the
snapshot and count rows; planning a count may evaluate an expression of the tenant's, so this login has no right but to
become the tenant's owner. Where tenants share a database, the first reads what the owner may, past policies that bind
the owner too; what the owner has shut itself out of is lent to it (`homes.lent_rights`).
"""

from contextlib import closing
from typing import Any, NamedTuple

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.aws.secret_store import SecretStore
from tenantry.database.admin_sql import MEMBERSHIP_OPTIONS_SINCE, AdminConnect, execute, join_roles, known_roles
from tenantry.database.logins import backup_logins, count_login, dump_login
from tenantry.database.marks import create_marked_role, ensure_role, foreign_roles_named, name_taken, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import Isolation, TenantId, owner_role

# A dump, what is counted beside it, whoever ends their sessions, and the sessions of a worker that has just died.
_SESSIONS = 6
_PLAIN = "LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_READ_ALL = "pg_read_all_data"


class _Powers(NamedTuple):
    """What a server's administrator may give a role."""

    read_all: bool
    bypass_policies: bool
    read_large_objects: bool


class DumpLogins:
    """Makes and drops the logins for backups on one server. Every method may be repeated."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take how to connect as the server's administrator."""
        self._connect = connect

    def make(self, tenant_id: TenantId, password: str, isolation: Isolation) -> None:
        """Make the two logins of a tenant, or give them the rights, the limits and the password that they are to have.

        The tenant's owner has to be there. Who may connect to the tenant's home is the home's to say.

        :param isolation: how the tenant lives: in a shared database, the logins read what its owner may; in shared
            tables, which it is about to leave, they become the owner and nothing else.
        :raises Conflict: a role of such a name is not the tenant's (`name_taken`).
        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            marks = tenant_marks(cursor, tenant_id)
            _require_own(cursor, tenant_id, marks)
            ensure_role(cursor, count_login(tenant_id), "LOGIN", marks)
            if not known_roles(cursor, [dump_login(tenant_id)]):
                create_marked_role(cursor, dump_login(tenant_id), _PLAIN, marks[0])
            join_roles(cursor, backup_logins(tenant_id))
            _grant(cursor, tenant_id, isolation)
            _set_attributes(cursor, dump_login(tenant_id), isolation)
            for login in backup_logins(tenant_id):
                verifier = encrypt_password(password, login, connection, "scram-sha-256")
                alter = sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {} VALID UNTIL 'infinity'")
                execute(cursor, alter.format(sql.Identifier(login), sql.Literal(_SESSIONS), sql.Literal(verifier)))

    def set_password(self, tenant_id: TenantId, password: str) -> bool:
        """Give the logins another password; returns whether there are any.

        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = _own(cursor, tenant_id)
            for login in logins:
                verifier = encrypt_password(password, login, connection, "scram-sha-256")
                alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
                execute(cursor, alter.format(sql.Identifier(login), sql.Literal(verifier)))
        return bool(logins)

    def drop(self, tenant_id: TenantId) -> None:
        """Drop the logins that are there, with their sessions.

        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            for login in _own(cursor, tenant_id):
                join_roles(cursor, [login])
                names = {"login": sql.Identifier(login), "name": sql.Literal(login)}
                execute(cursor, load_sql("servers/end_inspector").format(**names))
                execute(cursor, load_sql("homes/copy_login_databases"), (login, []))
                for database in cursor.fetchone()[0]:
                    revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM {}")
                    change = revoke.format(sql.Identifier(database), sql.Identifier(login))
                    execute(cursor, load_sql("homes/lock_database_rights") + change)
                execute(cursor, sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


def reads_everything(cursor: Any) -> bool:
    """Whether an administrator can let a login read what anybody owns. :raises TenantryError: the server refused."""
    return all(_powers(cursor))


def give_dump_logins(
    logins: DumpLogins, secrets: SecretStore, tenant_id: TenantId, isolation: Isolation, *, is_leaving: bool = False
) -> None:
    """Make a tenant's logins for backups on a server, with the password that is stored, or a new one.

    A pooled tenant has none, and loses those that it has: the policies of shared tables know it by its own two logins.

    :param is_leaving: a pooled tenant is about to get tables of its own, and such logins.
    :raises Conflict, TenantryError: as `DumpLogins.make`; DependencyFailed: Secrets Manager did not answer.
    """
    if isolation is Isolation.POOLED and not is_leaving:
        logins.drop(tenant_id)
        return
    stored = secrets.find_dump_password(tenant_id)
    password = stored or new_password()
    logins.make(tenant_id, password, isolation)
    if not stored:
        # Whoever reads it before the server knows it is refused, and a backup then goes on as the tenant itself.
        secrets.write_dump_password(tenant_id, dump_login(tenant_id), password)


def _require_own(cursor: Any, tenant_id: TenantId, marks: list[str]) -> None:
    if foreign := foreign_roles_named(cursor, backup_logins(tenant_id), marks):
        raise name_taken(*(f"role {name}" for name in foreign))


def _own(cursor: Any, tenant_id: TenantId) -> list[str]:
    known = known_roles(cursor, backup_logins(tenant_id))
    foreign = foreign_roles_named(cursor, known, tenant_marks(cursor, tenant_id))
    return [name for name in known if name not in foreign]


def _powers(cursor: Any) -> _Powers:
    execute(cursor, load_sql("servers/dump_powers"))
    return _Powers(*cursor.fetchone())


def _grant(cursor: Any, tenant_id: TenantId, isolation: Isolation) -> None:
    """Make them members of what they are to be members of, and of nothing else."""
    dump, count, owner = dump_login(tenant_id), count_login(tenant_id), owner_role(tenant_id)
    has_options = cursor.connection.server_version >= MEMBERSHIP_OPTIONS_SINCE
    inherits = sql.SQL(" WITH INHERIT TRUE, SET FALSE" if has_options else "")
    is_owner = sql.SQL(" WITH INHERIT TRUE, SET TRUE" if has_options else "")
    becomes = sql.SQL(" WITH INHERIT FALSE, SET TRUE" if has_options else "")
    wanted, powers = {(count, owner): becomes}, _powers(cursor)
    reads_all = isolation is Isolation.DATABASE
    if isolation is Isolation.POOLED:
        wanted[dump, owner] = becomes
    elif isolation is Isolation.SCHEMA:
        wanted[dump, owner] = is_owner
    elif not all(powers):
        # What the owner owns, at least. Otherwise it reads everything, and writes nothing.
        wanted[dump, owner] = inherits
    if reads_all and powers.read_all:
        wanted[dump, _READ_ALL] = inherits
    execute(cursor, load_sql("servers/dump_memberships"), ([dump, count],))
    for member, role, grantor in cursor.fetchall():
        if (member, role) not in wanted:
            by = sql.SQL(" GRANTED BY {} CASCADE").format(sql.Identifier(grantor)) if has_options else sql.SQL("")
            revoke = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(member))
            execute(cursor, revoke + by)
    for (member, role), options in wanted.items():
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member))
        execute(cursor, grant + options)


def _set_attributes(cursor: Any, login: str, isolation: Isolation) -> None:
    """Let the login read past policies, and in a database of the tenant's own past owners, if that can be given."""
    powers = _powers(cursor)
    names = {"login": sql.Identifier(login)}
    execute(
        cursor,
        "SELECT rolinherit, rolbypassrls, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication "
        "FROM pg_roles WHERE rolname = %s",
        (login,),
    )
    inherits, bypasses, has_others = cursor.fetchone()
    if has_others:
        # Only a superuser may write these, even where they change nothing.
        change = sql.SQL("ALTER ROLE {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")
        execute(cursor, change.format(**names))
    own_tables = isolation is not Isolation.POOLED
    if bypasses != (own_tables and powers.bypass_policies):
        word = sql.SQL("NOBYPASSRLS" if bypasses else "BYPASSRLS")
        execute(cursor, sql.SQL("ALTER ROLE {login} ").format(**names) + word)
    if inherits != own_tables:
        word = sql.SQL("INHERIT" if own_tables else "NOINHERIT")
        execute(cursor, sql.SQL("ALTER ROLE {login} ").format(**names) + word)
    if powers.read_large_objects:
        # PostgreSQL has no right to read everybody's large objects; whoever has this setting may read and write all.
        whole = isolation is Isolation.DATABASE
        setting = "SET lo_compat_privileges = on" if whole else "RESET lo_compat_privileges"
        execute(cursor, sql.SQL("ALTER ROLE {login} ").format(**names) + sql.SQL(setting))
