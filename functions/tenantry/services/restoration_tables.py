"""Restores single tables of a tenant's: beside those that are there, or their rows in the place of what is there.

Everything is restored into a scratch database and compared first; what a table needs is then sure to be there.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from psycopg2 import sql

from tenantry.adapters.admin_sql import execute, transaction
from tenantry.adapters.content_digest import Access, ContentReader
from tenantry.adapters.homes import swapping
from tenantry.adapters.postgres import connect
from tenantry.adapters.row_copy import copy_rows, require_same_tables
from tenantry.adapters.row_targets import OwnTables
from tenantry.adapters.schema_copy import copy_schema
from tenantry.adapters.sql_files import load_sql
from tenantry.domain.content import Table
from tenantry.domain.errors import NotFound
from tenantry.domain.operation import Operation
from tenantry.domain.restore import replaced_schema, restored_schema
from tenantry.domain.tenant import Home, Isolation
from tenantry.services.operations import Step
from tenantry.services.restoration_steps import Restoration, RestoreAdapters, milliseconds, work_for

BESIDE, REPLACE = "beside", "replace"


class TableRestoration:
    """The steps of a restore of single tables."""

    def __init__(self, restoration: Restoration, adapters: RestoreAdapters) -> None:
        """Take what restores tenants."""
        self._restoration = restoration
        self._adapters = adapters

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        first = self._restoration.steps()[:3]
        return (*first, Step("bring", self._bring), Step("settle", self._settle))

    def give_up(self, operation: Operation) -> Operation:
        """Drop what was made beside; the tables are as they were, unless they were brought."""
        if not self._restoration.is_under_way(operation) or "bring" in operation.done:
            return operation
        work = work_for(operation)
        self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        if operation.facts["mode"] == BESIDE:
            connector = self._adapters.servers.connector(work.home.server_id)
            swapping.drop_schema(connector, work.home.database, restored_schema(operation.operation_id))
        self._restoration.release(operation)
        return replace(operation, done=())

    def _bring(self, operation: Operation) -> dict[str, Any]:
        self._restoration.require_own(operation)
        work, began = work_for(operation), time.monotonic()
        scratch = Home(work.home.server_id, Isolation.DATABASE, work.beside, operation.facts["schema"])
        with self._adapters.scratches.access(work.tenant_id, scratch, work.home.database) as access:
            live = replace(access.credentials, dbname=work.home.database)
            bring = self._beside if operation.facts["mode"] == BESIDE else self._replace
            made = bring(operation, access, Access(work.home, live, access.role))
        return made | {"bring_ms": milliseconds(began)}

    def _beside(self, operation: Operation, source: Access, target: Access) -> dict[str, Any]:
        """Carry the tables into a schema that only the tenant's owner looks into."""
        work, schema = work_for(operation), restored_schema(operation.operation_id)
        connector = self._adapters.servers.connector(work.home.server_id)
        swapping.make_schema(connector, work.home.database, schema, target.role)
        if not swapping.has_schema(connector, source.home.database, schema):
            self._set_apart(source, operation.facts["wanted"], schema)
        there, here = (
            replace(a, home=replace(a.home, isolation=Isolation.SCHEMA, schema=schema)) for a in (source, target)
        )
        with ContentReader(there, self._adapters.scratches.settings()) as reader:
            copy_schema(
                there,
                here,
                reader.export(),
                self._adapters.tools,
                deadline=self._adapters.deadline(),
                keep_rights=False,
            )
        return {"restored_schema": schema}

    def _replace(self, operation: Operation, source: Access, target: Access) -> dict[str, Any]:
        """Exchange the rows in one transaction; foreign keys are checked at its end. What was there is kept."""
        settings, kept = self._adapters.scratches.settings(), replaced_schema(operation.operation_id)
        connector = self._adapters.servers.connector(target.home.server_id)
        if swapping.has_schema(connector, target.home.database, kept):
            # It was made in the transaction that has exchanged them.
            return {"replaced_schema": kept}
        with ContentReader(source, settings) as reader:
            names = self._wanted(reader.tables, operation.facts["wanted"])
            with closing(OwnTables(target, settings, only=names, kept=kept)) as into:
                wanted = {name: reader.tables[name] for name in names}
                require_same_tables(wanted, into.tables, "tables_differ")
                copy_rows(reader, into)
        return {"replaced_schema": kept}

    def _set_apart(self, source: Access, wanted: list[str], schema: str) -> None:
        """Move the tables into a schema of the scratch database, without what ties them to others."""
        settings = self._adapters.scratches.settings()
        with ContentReader(source, settings) as reader:
            tables = [reader.tables[name] for name in self._wanted(reader.tables, wanted)]
        names = {"schemas": [t.schema for t in tables], "tables": [t.name for t in tables]}
        with transaction(lambda _: connect(source.credentials, settings), source.home.database) as cursor:
            execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(source.role)))
            execute(cursor, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            for script, drop in (
                ("own_foreign_keys", "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}"),
                ("own_triggers", "DROP TRIGGER IF EXISTS {1} ON {0}"),
            ):
                execute(cursor, load_sql(script), names)  # type: ignore[arg-type]
                for found_schema, table, name, _ in cursor.fetchall():
                    place = sql.Identifier(found_schema, table)
                    execute(cursor, sql.SQL(drop).format(place, sql.Identifier(name)))
            for table in tables:
                move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
                execute(cursor, move.format(sql.Identifier(table.schema, table.name), sql.Identifier(schema)))

    def _wanted(self, tables: dict[str, Table], wanted: list[str]) -> list[str]:
        """Find tables by `schema.table`, or all of a schema by `schema.*`.

        :raises NotFound: the backup has no such table.
        """
        found: list[str] = []
        for pattern in wanted:
            matching = [n for n, t in tables.items() if pattern in (f"{t.schema}.{t.name}", f"{t.schema}.*")]
            if not matching:
                raise NotFound("The backup has no such table.", code="table_unknown", details=pattern)
            found += matching
        return list(dict.fromkeys(found))

    def _settle(self, operation: Operation) -> None:
        if not self._restoration.is_under_way(operation):
            return
        work = work_for(operation)
        self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        self._restoration.release(operation)
