"""Shapes tables that revisions wrote for one tenant so that many can share them: every row and key gets a tenant.

This runs in the transaction of the revisions, as the role that owns the tables, and skips tables that fit already.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.revision import VERSION_TABLE

POOL_ROLE, POOL_VIEWERS, POOL_EDITORS = "tenantry_pool", "tenantry_pool_viewer", "tenantry_pool_editor"

_SINGLE = "tenantry_single_"
# The name of an index as long as it is built.
_DRAFT = "tenantry_index_draft"
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_NOT_UNIQUE = "23505"
_KEY_IN_USE = "something relies on a key that has to be rebuilt, such as a view that groups by it"
# The errors of statements in or after a revision that fail because the tables are shared, each with its reason.
_REASONS = {
    "23502": "a revision writes rows, and says not whose they are",
    _NOT_UNIQUE: "a revision wants a key that two tenants have to be unique",
    "42830": "a revision refers to a table without naming the columns, or to a key that two tenants have",
    "2BP01": _KEY_IN_USE,
    "42803": _KEY_IN_USE,
}


class _ForeignKey(NamedTuple):
    """A foreign key as in the catalogue; actions by their letters there."""

    table: str
    name: str
    target: str
    columns: list[str]
    target_columns: list[str]
    on_update: str
    on_delete: str
    set_columns: list[str]
    validated: bool


class PoolShape:
    """Shapes the tables of one schema."""

    def __init__(self, schema: str) -> None:
        """Take the schema of the tables."""
        self._schema = schema
        version_table = f'"{schema}"."{VERSION_TABLE}"'
        self._names: dict[str, sql.Composable] = {
            "schema": sql.Literal(f'"{schema}"'),
            "version_table": sql.Literal(version_table),
        }

    def before(self, connection: Any) -> None:
        """Let revisions refer to keys from before the tables were shared, as far as those are still unique.

        A revision is written for one tenant's tables: it says `REFERENCES candidates (id)`.

        :raises TenantryError: the server refused.
        """
        with connection.cursor() as cursor:
            execute(cursor, load_sql("homes/pool_single_keys").format(**self._names))
            for number, (table, columns) in enumerate(cursor.fetchall()):
                add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({})").format(
                    self._name(table), sql.Identifier(f"{_SINGLE}{number}"), _columns(columns)
                )
                execute(cursor, "SAVEPOINT single")
                try:
                    execute(cursor, add)
                except StatementFailed as exc:
                    if exc.code != _NOT_UNIQUE:
                        raise
                    execute(cursor, "ROLLBACK TO SAVEPOINT single")

    def after(self, connection: Any) -> None:
        """Shape the tables that the revisions have made.

        :raises Conflict: something in them can't be shared; `details` says what and why.
        :raises TenantryError: the server refused.
        """
        with connection.cursor() as cursor:
            self._refuse_unsupported(cursor)
            self._shape(cursor)

    def noted(self, connection: Any, revision: str) -> None:
        """Comment the revision on the table that keeps it, which tenants may not read.

        :raises TenantryError: the server refused.
        """
        comment = sql.SQL("COMMENT ON TABLE {} IS {}").format(self._name(VERSION_TABLE), sql.Literal(revision))
        with connection.cursor() as cursor:
            execute(cursor, comment)

    def outside(self, connection: Any, send: Callable[[str], None]) -> None:
        """Build the indexes anew with the tenant as their first column, without keeping anybody out of the tables.

        :param connection: in autocommit mode, as the role that owns the tables.
        :param send: sends a statement to it, patiently.
        :raises TenantryError: the server refused; what was built by then is found by the next attempt.
        """
        with connection.cursor() as cursor:
            execute(cursor, load_sql("homes/pool_indexes").format(**self._names))
            found = cursor.fetchall()
        draft = self._name(_DRAFT)
        for name, definition in found:
            for statement in (
                sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(draft),
                _draft_index(definition, name),
                sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(self._name(name)),
                sql.SQL("ALTER INDEX {} RENAME TO {}").format(draft, sql.Identifier(name)),
            ):
                send(statement.as_string(connection))

    def explain(self, error: StatementFailed) -> Conflict | None:
        """Explain why a revision failed; None if the reason is not that the tables are shared."""
        reason = _REASONS.get(error.code)
        return _unsupported(reason) if reason else None

    def _shape(self, cursor: Any) -> None:
        execute(cursor, load_sql("homes/pool_foreign_keys").format(**self._names))
        foreign_keys = [_ForeignKey(*row) for row in cursor.fetchall()]
        for key in foreign_keys:
            self._drop_constraint(cursor, key.table, key.name)
        self._share_tables(cursor)
        self._lead_with_tenant(cursor)
        for key in foreign_keys:
            execute(cursor, self._foreign_key(key))
        execute(cursor, self._grants())

    def _refuse_unsupported(self, cursor: Any) -> None:
        execute(cursor, load_sql("homes/pool_unsupported").format(**self._names))
        faults = [fault for (fault,) in cursor.fetchall()]
        if faults:
            raise _unsupported("; ".join(faults))

    def _share_tables(self, cursor: Any) -> None:
        execute(cursor, load_sql("homes/pool_tables").format(**self._names))
        for table, is_view, is_shaped in cursor.fetchall():
            name = self._name(table)
            if is_view:
                # Otherwise the view would show the rows that its owner sees.
                execute(cursor, sql.SQL("ALTER VIEW {} SET (security_invoker = true)").format(name))
            elif not is_shaped:
                execute(cursor, load_sql("homes/share_table").format(table=name, role=sql.Identifier(POOL_ROLE)))

    def _lead_with_tenant(self, cursor: Any) -> None:
        """Rebuild keys and indexes under their names, with the tenant as the first column."""
        execute(cursor, load_sql("homes/pool_keys").format(**self._names))
        for table, name, definition in cursor.fetchall():
            self._drop_constraint(cursor, table, name)
            if not name.startswith(_SINGLE):
                add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(self._name(table), sql.Identifier(name))
                execute(cursor, add + sql.SQL(definition.replace("(", "(tenant_id, ", 1)))
        execute(cursor, load_sql("homes/pool_indexes").format(**self._names))
        for name, definition in cursor.fetchall():
            execute(cursor, sql.SQL("DROP INDEX {}").format(self._name(name)))
            execute(cursor, sql.SQL(_led_by_tenant(definition)))

    def _foreign_key(self, key: _ForeignKey) -> sql.Composable:
        text = "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})"
        parts: list[sql.Composable] = [
            sql.SQL(text).format(
                self._name(key.table),
                sql.Identifier(key.name),
                _columns(["tenant_id", *key.columns]),
                self._name(key.target),
                _columns(["tenant_id", *key.target_columns]),
            )
        ]
        if action := _ACTIONS.get(key.on_update):
            parts.append(sql.SQL(f" ON UPDATE {action}"))
        if action := _ACTIONS.get(key.on_delete):
            parts.append(sql.SQL(f" ON DELETE {action}"))
            if key.on_delete in "nd":
                # The tenant's column is left out: the row stays this tenant's.
                parts.append(sql.SQL(" ({})").format(_columns(key.set_columns or key.columns)))
        parts.append(sql.SQL(" DEFERRABLE INITIALLY IMMEDIATE" + ("" if key.validated else " NOT VALID")))
        return sql.Composed(parts)

    def _drop_constraint(self, cursor: Any, table: str, name: str) -> None:
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        execute(cursor, drop.format(self._name(table), sql.Identifier(name)))

    def _grants(self) -> sql.Composable:
        return load_sql("homes/grant_pool").format(
            schema=sql.Identifier(self._schema),
            schema_name=sql.Literal(self._schema),
            version_table=self._name(VERSION_TABLE),
            viewers=sql.Identifier(POOL_VIEWERS),
            editors=sql.Identifier(POOL_EDITORS),
        )

    def _name(self, relation: str) -> sql.Composable:
        return sql.Identifier(self._schema, relation)


def _led_by_tenant(definition: str) -> str:
    return definition.replace(" USING btree (", " USING btree (tenant_id, ", 1)


def _draft_index(definition: str, name: str) -> sql.Composable:
    """Write the statement that builds an index concurrently, under another name, from `pg_get_indexdef`."""
    kind = "CREATE UNIQUE INDEX " if definition.startswith("CREATE UNIQUE ") else "CREATE INDEX "
    rest = definition[definition.index(" ON ", len(kind) + len(name)) :]
    return sql.SQL(f"{kind}CONCURRENTLY {{}}").format(sql.Identifier(_DRAFT)) + sql.SQL(_led_by_tenant(rest))


def _columns(names: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _unsupported(details: str) -> Conflict:
    return Conflict(
        "The tables of the newest revision can't be shared by tenants.",
        code="pool_unsupported",
        details=details,
        hint="Change the revision, or give the tenant a schema or a database of its own.",
    )
