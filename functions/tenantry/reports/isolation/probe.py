"""What an audit asks of a PostgreSQL server: its administrator what is set, and as a tenant what is let in."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError
from psycopg2 import sql

from tenantry.aws.secret_store import SecretStore
from tenantry.database.connecting import ConnectSettings, connect, connect_arguments
from tenantry.database.connection_refusal import refusal_sqlstate
from tenantry.database.identity import IDENTITY_SETTING
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.credentials import Credentials, parse_credentials, secret_name
from tenantry.domain.errors import DatabaseUnavailable, DependencyFailed
from tenantry.domain.tenant import TenantId
from tenantry.reports.isolation.findings import EXAMPLES, Hole
from tenantry.reports.isolation.walls import (
    AuditedRole,
    DatabaseContent,
    Grant,
    Membership,
    OpenDatabase,
    OtherPolicy,
    Relation,
    SecretSettings,
    ServerWalls,
)

LET_IN, NO_ANSWER = "00000", "08001"
LOGIN = "none"  # to be no role but the login itself

_NO_RIGHT, _NO_ROLE, _NO_TABLE, _NO_SCHEMA = "42501", "22023", "42P01", "3F000"
_OUT_OF_REACH = frozenset({_NO_RIGHT, _NO_TABLE, _NO_SCHEMA})
_NO_ROWS, _LOCKED = "02000", "55P03"
# `tenant_id` can't hold that tenant's id, so there is no row of that tenant's.
_NO_VALUE = "22P02"
_NO_OPERATOR = "42883"

# Refused before or at the door: no right, no such database, one that is closed, a login that is not known there.
_REFUSED = frozenset({_NO_RIGHT, "3D000", "55000", "28000"})
_NOT_AUTHENTICATED = "28P01"
# Whoever owns the database that one is in may become this role, which has no rights anywhere else.
_OWNER_OF_THIS_DATABASE = "pg_database_owner"

_FORBIDDEN = {
    "SELECT rolpassword FROM pg_catalog.pg_authid LIMIT 1": Hole.PASSWORDS_READABLE,
    "SELECT pg_catalog.pg_read_file('PG_VERSION')": Hole.FILES_READABLE,
    "SELECT pg_catalog.pg_ls_dir('.')": Hole.FILES_READABLE,
    "SELECT pg_catalog.lo_import('PG_VERSION')": Hole.FILES_READABLE,
    # A relative path is refused in any case, but to those who may write files for another reason than a missing right.
    "COPY (SELECT 1) TO 'tenantry-audit'": Hole.FILES_WRITABLE,
    "COPY (SELECT 1) TO PROGRAM 'true'": Hole.PROGRAMS_RUN,
    "CREATE ROLE tenantry_audit_attempt": Hole.ROLES_MADE,
}

# Of one tenant: tables that are looked at, those that are tried from each neighbour, and kinds of grants.
MOST_TABLES, _MOST_TRIED, _MOST_KINDS = 10_000, 2_000, 200
# So that each message ends well within the time of a statement.
_BATCH = 250

_TOO_MANY_SESSIONS = "53300"
_PATIENCE_SECONDS, _PAUSE_SECONDS = 2.0, 0.05
_CONNECT = ConnectSettings(
    connect_timeout=5, statement_timeout_ms=30_000, application_name="tenantry-audit", administers=True
)


class ConnectionFacts(NamedTuple):
    """A server's places for sessions, those that are kept for administrators, and the sessions of each role."""

    max_connections: int
    reserved: int
    sessions: dict[str, int]


class ServerAudit:
    """Reads the catalogues of one server as its administrator; nothing is changed."""

    def __init__(self, administrator: Credentials) -> None:
        """Take how to log in; whatever database it names."""
        # No function or operator that a tenant made is found by its name, so none runs with the administrator's rights.
        self._administrator = replace(administrator, schema="pg_catalog")

    def server(self) -> ServerWalls:
        """Read roles and databases.

        :raises TenantryError: the server can't be reached, or refused.
        """
        with closing(self._open("postgres")) as connection:
            return ServerWalls(
                roles=[AuditedRole(*row) for row in _query(connection, "audit_roles")],
                memberships=[Membership(*row) for row in _query(connection, "audit_memberships")],
                databases=[OpenDatabase(*row) for row in _query(connection, "audit_databases")],
                secrets=[SecretSettings(*row) for row in _query(connection, "audit_settings", {"examples": EXAMPLES})],
            )

    def content(self, database: str, tenant: str) -> DatabaseContent:
        """Read what is in a database, and of each tenant no more than anybody could look at.

        :param tenant: the one who lives there; empty: several, each in a schema.
        :raises TenantryError: it can't be reached, or refused.
        """
        whose = {"shared": not tenant, "own": tenant, "examples": EXAMPLES}
        with closing(self._open(database)) as connection:
            return DatabaseContent(
                relations=[
                    Relation(*row) for row in _query(connection, "audit_relations", whose | {"most": MOST_TABLES})
                ],
                grants=[Grant(*row) for row in _query(connection, "audit_grants", whose | {"most": _MOST_KINDS})],
                superuser_functions=[name for (name,) in _query(connection, "audit_definer_functions")],
                policies=[OtherPolicy(*row) for row in _query(connection, "audit_policies", {"most": MOST_TABLES})],
            )

    def entrances(self, role: str) -> list[str]:
        """List the databases that a role may connect to, as PostgreSQL itself says.

        :raises TenantryError: the server can't be reached, or refused.
        """
        with closing(self._open("postgres")) as connection:
            return [name for (name,) in _query(connection, "audit_entrances", {"role": role})]

    def connections(self) -> tuple[ConnectionFacts, list[AuditedRole]]:
        """Read how many sessions there are and may be.

        :raises TenantryError: the server can't be reached, or refused.
        """
        with closing(self._open("postgres")) as connection:
            (row,) = _query(connection, "audit_connections")
            return ConnectionFacts(*row), [AuditedRole(*role) for role in _query(connection, "audit_roles")]

    def _open(self, database: str) -> Any:
        return connect(replace(self._administrator, dbname=database), _CONNECT)


class TenantProbe:
    """A session of a tenant's own login, from which it is tried what it must not be able to do."""

    def __init__(self, credentials: Credentials) -> None:
        """Log in.

        :raises DatabaseUnavailable: that was refused.
        """
        self.attempts = 0
        # No function or operator that a tenant made is found by its name, so none answers for PostgreSQL's own.
        self._connection = connect(replace(credentials, schema="pg_catalog"), _CONNECT)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def identity(self) -> str | None:
        """Ask the database whose it is. :raises TenantryError: it does not answer."""
        ((named,),) = self._fetch("SELECT current_setting(%s, true)", (IDENTITY_SETTING,))
        return str(named) if named else None

    def databases(self) -> list[str]:
        """List the databases that PostgreSQL itself says this login may connect to. :raises TenantryError: it fails."""
        text = "SELECT datname FROM pg_database WHERE datallowconn AND has_database_privilege(datname, 'CONNECT')"
        return [name for (name,) in self._fetch(text, ())]

    def roles(self) -> list[str]:
        """List the roles that PostgreSQL itself says this login may become. :raises TenantryError: it fails."""
        text = "SELECT rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')"
        return [name for (name,) in self._fetch(text, ())]

    def schemas(self, roles: Sequence[str]) -> set[str]:
        """List the schemas that one of these roles may use, or may make things in.

        :raises TenantryError: it fails.
        """
        found = self._fetch(load_sql("reports/isolation/audit_open_schemas").string, {"roles": list(roles)})
        return {name for (name,) in found}

    def open_rights(self, roles: Sequence[str]) -> set[Hole]:
        """Try to read passwords and files, to write files, to run programs and to make roles; return what worked.

        :param roles: what to be meanwhile, roles that the login may become, or `LOGIN`; here and below.
        :raises TenantryError: it could not be tried; here and below.
        """
        outcomes = self._attempt(roles, list(_FORBIDDEN))
        return {hole for hole, met in zip(_FORBIDDEN.values(), outcomes, strict=True) if {*met} != {_NO_RIGHT}}

    def assumable(self, names: Sequence[str]) -> list[str]:
        """Try to become each of these roles; return those that it became."""
        foreign = [name for name in names if name != _OWNER_OF_THIS_DATABASE]
        outcomes = self._attempt([LOGIN], [f"SET ROLE {self._quote(name)}" for name in foreign])
        return [name for name, (met,) in zip(foreign, outcomes, strict=True) if met not in (_NO_RIGHT, _NO_ROLE)]

    def can_make_tables(self, roles: Sequence[str], schema: str) -> bool:
        """Try to make a table in a schema."""
        (outcomes,) = self._attempt(roles, [f"CREATE TABLE {self._quote(schema)}.tenantry_audit_attempt ()"])
        return not {*outcomes} <= _OUT_OF_REACH

    def readable(self, roles: Sequence[str], tables: Sequence[Relation]) -> list[Relation]:
        """Find tables that it must have no right on and may read; return those, empty ones too.

        Of all of them PostgreSQL is asked, and of some it is tried: of plain tables, for what is in a view or in a
        policy is another tenant's, and would run with this one's rights.
        """
        found = {number - 1 for number in self._may_read(roles, tables)}
        plain = [n for n, table in enumerate(tables) if table.kind in "rpm" and not table.row_security][:_MOST_TRIED]
        statements = [f"SELECT FROM {self._quote(tables[n].schema, tables[n].name)} LIMIT 0" for n in plain]
        outcomes = self._attempt(roles, statements, reads=True)
        found |= {n for n, met in zip(plain, outcomes, strict=True) if not {*met} <= _OUT_OF_REACH | {_LOCKED}}
        return [tables[n] for n in sorted(found)]

    def _may_read(self, roles: Sequence[str], tables: Sequence[Relation]) -> list[int]:
        if not tables:
            return []
        self.attempts += len(roles) * len(tables)
        names = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables], "roles": list(roles)}
        return [number for (number,) in self._fetch(load_sql("reports/isolation/audit_readable").string, names)]

    def rows_of_others(self, roles: Sequence[str], tables: Sequence[Relation], own: str) -> list[Relation]:
        """Try to read rows in shared tables that are not its own, whosever they are; return tables that showed some."""
        name = sql.Literal(own).as_string(self._connection)
        # A comparison that an index answers at once, because the policy wants the tenant's own rows.
        below, above = "SELECT FROM {0} WHERE tenant_id < {1}", "SELECT FROM {0} WHERE tenant_id > {1}"
        quick = f"SELECT FROM ({below} UNION ALL {above}) found LIMIT 1"
        thorough = "SELECT FROM {0} WHERE tenant_id::text IS DISTINCT FROM {1} LIMIT 1"
        met = self._reads(roles, tables, quick, name)
        # A `tenant_id` of a type that has no such value, or no order.
        odd = [number for number, outcomes in enumerate(met) if outcomes & {_NO_VALUE, _NO_OPERATOR}]
        for number, outcomes in zip(odd, self._reads(roles, [tables[n] for n in odd], thorough, name), strict=True):
            met[number] = outcomes
        return [
            t for t, outcomes in zip(tables, met, strict=True) if not outcomes <= _OUT_OF_REACH | {_NO_ROWS, _LOCKED}
        ]

    def _reads(self, roles: Sequence[str], tables: Sequence[Relation], text: str, name: str) -> list[set[str]]:
        statements = [text.format(self._quote(table.schema, table.name), name) for table in tables]
        return [{*outcomes} for outcomes in self._attempt(roles, statements, reads=True)]

    def rows_seen(self, roles: Sequence[str], tables: Sequence[Relation], other: str) -> list[Relation]:
        """Try to read another tenant's rows in shared tables; return the tables that showed some."""
        text = "{}SELECT FROM {} WHERE tenant_id::text = {} LIMIT 1"
        outcomes = self._attempt(roles, [self._as_if(other, text, table) for table in tables])
        return [t for t, met in zip(tables, outcomes, strict=True) if not {*met} <= _OUT_OF_REACH | {_NO_ROWS}]

    def rows_taken(self, roles: Sequence[str], tables: Sequence[Relation], other: str) -> list[Relation]:
        """Try to add a row of another tenant's to shared tables; return those whose policies let it pass."""
        text = "{}INSERT INTO {} (tenant_id) VALUES ({})"
        outcomes = self._attempt(roles, [self._as_if(other, text, table) for table in tables])
        return [t for t, met in zip(tables, outcomes, strict=True) if not {*met} <= _OUT_OF_REACH | {_NO_VALUE}]

    def _as_if(self, other: str, text: str, table: Relation) -> str:
        """Say to be the other: a policy that believes what a session says of itself is none."""
        name = sql.Literal(other).as_string(self._connection)
        pretend = f"SET LOCAL app.tenant_id = {name}; SET LOCAL {IDENTITY_SETTING} = {name}; "
        return text.format(pretend, self._quote(table.schema, table.name), name)

    def _quote(self, *names: str) -> str:
        return sql.Identifier(*names).as_string(self._connection)

    def _attempt(self, roles: Sequence[str], statements: Sequence[str], *, reads: bool = False) -> list[list[str]]:
        """Try statements as each of the roles and take back what they did; list each statement's outcomes.

        :param reads: nothing could be written, by what a statement sets off neither.
        """
        outcomes: list[list[str]] = []
        for batch in batched(statements, _BATCH, strict=False):
            self.attempts += len(roles) * len(batch)
            plan = json.dumps({"roles": list(roles), "statements": batch, "reads": reads})
            ((met,),) = self._fetch(load_sql("reports/isolation/audit_attempts").string, (plan,))
            outcomes += [met[number :: len(batch)] for number in range(len(batch))]
        return outcomes

    def _fetch(self, text: str, values: Any) -> list[Any]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text, values)
                return list(cursor.fetchall())
        except psycopg2.Error as exc:
            raise translate(exc) from exc


def try_login(credentials: Credentials) -> str:
    """Try to log in.

    :returns: the SQLSTATE of the refusal, `LET_IN` where the server let us in, `NO_ANSWER` where none answered.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Sessions that were ended a moment ago count towards a login's limit until the server has cleared them away.
    while (outcome := _login_outcome(credentials)) == _TOO_MANY_SESSIONS and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return outcome


def is_refusal(outcome: str, *, elsewhere: bool) -> bool:
    """Tell whether the outcome of a login proves that it is refused; a server that did not answer proves nothing.

    :param elsewhere: on another server than its own. There a wrong password is what is expected; on its own it may have
        been rotated meanwhile, and nothing more was looked at.
    """
    return outcome in _REFUSED or (elsewhere and outcome == _NOT_AUTHENTICATED)


def _login_outcome(credentials: Credentials) -> str:
    # Refused is what nearly all are: so the refusal is asked for at once, and costs one login instead of two.
    sqlstate = refusal_sqlstate(connect_arguments(credentials, _CONNECT), _CONNECT.connect_timeout)
    if sqlstate:
        return sqlstate
    try:
        connect(credentials, _CONNECT).close()
    except DatabaseUnavailable as exc:
        return exc.code
    return LET_IN


class DatedSecrets(SecretStore):
    """The tenants' secrets of one stage, with their age."""

    def find_dated(self, tenant_id: TenantId) -> tuple[Credentials, datetime] | None:
        """Read what is stored for a tenant, if anything is, and when this version was stored.

        :raises DependencyFailed: Secrets Manager did not answer.
        :raises InvalidSetting: it can't be understood.
        """
        try:
            answer = self._client.get_secret_value(SecretId=secret_name(self._stage, tenant_id))
        except self._client.exceptions.ResourceNotFoundException:
            return None
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The tenant's secret could not be read.", code="secrets_unavailable") from exc
        return parse_credentials(answer["SecretString"]), answer["CreatedDate"]


def _query(connection: Any, name: str, values: dict[str, Any] | None = None) -> list[Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(load_sql(f"reports/isolation/{name}"), values)
            return list(cursor.fetchall())
    except psycopg2.Error as exc:
        raise translate(exc) from exc
