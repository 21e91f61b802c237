"""Restores single tables of a tenant: into a detached schema, or their rows in place of the present rows.

The whole backup is restored into a scratch database and compared first, so that everything a table needs is there.
"""

import json
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from psycopg2 import sql

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.row_copy import copy_rows, require_same_tables
from tenantry.contents.row_targets import OwnTables
from tenantry.contents.schema_copy import copy_schema
from tenantry.database.admin_sql import execute, transaction
from tenantry.database.connecting import connect
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup_facts import OmissionReason
from tenantry.domain.content import ContentTable
from tenantry.domain.errors import Conflict, RestoreFailed
from tenantry.domain.operation import Operation
from tenantry.domain.restore import WantedTable, find_all_wanted, replaced_schema, restored_schema
from tenantry.domain.tenant import Home, Isolation, owner_role
from tenantry.homes import swapping
from tenantry.operations.operations import Step
from tenantry.restores.set_apart import collision, set_apart
from tenantry.restores.steps import Restoration, RestoreAdapters
from tenantry.restores.work import milliseconds, work_for

_NAMED = 10
STAGED, REPLACE = "beside", "replace"
# Of what was left out so much is named.
_TOLD = 50


class TableRestoration:
    """The steps of a restore of single tables."""

    def __init__(self, restoration: Restoration, adapters: RestoreAdapters) -> None:
        """Take the restoration whose first steps these share, and the adapters."""
        self._restoration = restoration
        self._adapters = adapters

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        first = self._restoration.steps()[:3]
        return (*first, Step("bring", self._bring), Step("settle", self._settle))

    def give_up(self, operation: Operation) -> Operation:
        """Compensate a failed step: drop what was staged. After the step `bring`, the tables stay as they are."""
        if not self._restoration.is_under_way(operation) or "bring" in operation.done:
            return operation
        work = work_for(operation)
        if self._adapters.servers.is_lost(work.home.server_id):
            self._restoration.release(operation)
            return replace(operation, done=())
        self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        connector, database = self._adapters.servers.connector(work.home.server_id), work.home.database
        schema = self._detached(operation)
        # The same transaction exchanges the rows and keeps the former ones: if any are kept, the exchange has happened.
        if operation.facts["mode"] == STAGED or not swapping.has_tables(connector, database, schema):
            swapping.drop_schema(connector, database, schema)
        self._restoration.release(operation)
        return replace(operation, done=())

    def _bring(self, operation: Operation) -> dict[str, Any]:
        self._restoration.require_own(operation)
        work, began = work_for(operation), time.monotonic()
        scratch = self._scratch(operation)
        with self._adapters.scratches.access(work.tenant_id, scratch, work.home.database) as access:
            live = replace(access.credentials, dbname=work.home.database)
            target, facts = Access(work.home, live, access.role), dict[str, Any]()
            if operation.facts["mode"] == STAGED:
                facts = self._bring_staged(operation, access, target)
            else:
                self._replace(operation, access, target)
                facts["replaced_schema"] = self._detached(operation)
        return facts | {"bring_ms": milliseconds(began)}

    def _detached(self, operation: Operation) -> str:
        """Name the detached schema that the operation makes."""
        work = work_for(operation)
        name = restored_schema if operation.facts["mode"] == STAGED else replaced_schema
        return name(work.tenant_id, work.home, operation.operation_id)

    def _scratch(self, operation: Operation) -> Home:
        """Return the scratch home of the restored tables, with its schema named as in the tenant's home.

        In a shared database the schema's name is the tenant's id, which may have changed since the backup.
        """
        work, archived = work_for(operation), operation.facts["schema"]
        home = Home(work.home.server_id, Isolation.DATABASE, work.staging, archived)
        if not _is_renamed(operation):
            return home
        connector, owner = self._adapters.servers.connector(home.server_id), owner_role(work.tenant_id)
        swapping.rename_schema(connector, home.database, owner, archived, work.home.schema)
        return replace(home, schema=work.home.schema)

    def _bring_staged(self, operation: Operation, source: Access, target: Access) -> dict[str, Any]:
        """Copy the tables into a detached schema that only the tenant's owner role can read.

        :returns: that schema as `restored_schema`, and as `left_out` what the tables came without.
        """
        work, schema = work_for(operation), self._detached(operation)
        connector = self._adapters.servers.connector(work.home.server_id)
        if not swapping.has_schema(connector, source.home.database, schema):
            self._set_apart(operation, source, target, schema)
        left_out = self._left_out(source, schema)
        swapping.make_closed_schema(connector, work.home.database, schema, target.role)
        there, here = (
            replace(a, home=replace(a.home, isolation=Isolation.SCHEMA, schema=schema)) for a in (source, target)
        )
        settings = self._adapters.scratches.settings()
        with ContentReader(there, settings) as reader:
            copy_schema(reader, here, reader.export(), self._adapters.tools, deadline=self._adapters.deadline())
            restored = reader.content()
        with ContentReader(here, settings) as reader:
            # What is generated is generated anew, by functions that are the live ones there.
            if differences := restored.differences(reader.content()):
                raise RestoreFailed(code="restore_differs", details=", ".join(differences))
        swapping.close_schema(connector, work.home.database, schema)
        return {"restored_schema": schema} | ({"left_out": left_out} if left_out else {})

    def _left_out(self, source: Access, schema: str) -> list[str]:
        """Read what was left out when the tables were set apart, by whichever worker."""
        comment = "SELECT obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = %s"
        settings = self._adapters.scratches.settings()
        with transaction(lambda _: connect(source.credentials, settings), source.home.database) as cursor:
            execute(cursor, "SET LOCAL search_path = pg_catalog, pg_temp")
            execute(cursor, comment, (schema,))
            ((text,),) = cursor.fetchall()
        found: list[str] = json.loads(text or "[]")
        return found

    def _replace(self, operation: Operation, source: Access, target: Access) -> None:
        """Exchange the rows in one transaction and keep the former ones; foreign keys are checked at its end."""
        settings, kept = self._adapters.scratches.settings(), self._detached(operation)
        connector = self._adapters.servers.connector(target.home.server_id)
        if swapping.has_tables(connector, target.home.database, kept):
            # The transaction that made these tables has also exchanged the rows.
            swapping.close_schema(connector, target.home.database, kept)
            return
        swapping.make_closed_schema(connector, target.home.database, kept, target.role)
        with ContentReader(source, settings, past_policies=True) as reader:
            wanted = find_all_wanted(reader.tables.values(), _patterns(operation), reader.childless())

            def only(table: ContentTable) -> bool:
                return any(one.takes(table.place, table.roots) for one in wanted)

            archived = {name: table for name, table in reader.tables.items() if only(table)}
            _require_whole_groups(reader.tables.values(), wanted)
            _require_one_of_a_name(archived.values())
            with closing(OwnTables(target, settings, only=only, kept=kept)) as into:
                require_same_tables(archived, into.tables, "tables_differ")
                copy_rows(reader, into)
        swapping.close_schema(connector, target.home.database, kept)

    def _set_apart(self, operation: Operation, source: Access, target: Access, schema: str) -> None:
        """Move the tables into a schema of the scratch database, which needs nothing outside of it."""
        settings = self._adapters.scratches.settings()
        with ContentReader(source, settings) as reader:
            wanted = find_all_wanted(reader.tables.values(), _patterns(operation), reader.childless())
            _require_whole_groups(reader.tables.values(), wanted)
        with transaction(lambda _: connect(source.credentials, settings), source.home.database) as cursor:
            execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(source.role)))
            execute(cursor, "SET search_path = pg_catalog, pg_temp")
            apart = set_apart(cursor, wanted, schema)
            left_out = [*apart.left_out, *self._tablespaces(operation, cursor, schema)][:_TOLD]
            # Where a worker that goes on after another finds it.
            comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
            execute(cursor, comment.format(sql.Identifier(schema), sql.Literal(json.dumps(left_out))))
            self._require_extensions(target, apart.extensions)

    def _tablespaces(self, operation: Operation, cursor: Any, schema: str) -> list[str]:
        """Name those of the tables that lay in a tablespace of their own: they come back in the database's."""
        execute(cursor, load_sql("restores/names_set_apart"), (schema,))
        names = {name for (name,) in cursor.fetchall()}
        return [
            f"tablespace of {gone.kind} {gone.name.removeprefix('@.')}"
            for gone in self._restoration.omissions(operation)
            if gone.reason == OmissionReason.DEFAULT_TABLESPACE and gone.name.rpartition(".")[2] in names
        ]

    def _require_extensions(self, target: Access, needed: set[tuple[str, str]]) -> None:
        """Make sure that the tenant's database has what the tables need of extensions, where they need it.

        :raises Conflict: it has not (`extension_differs`).
        """
        query = (
            "SELECT e.extname::text, n.nspname::text FROM pg_catalog.pg_extension e "
            "JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
        )
        with transaction(self._adapters.servers.connector(target.home.server_id), target.home.database) as cursor:
            execute(cursor, query)
            missing = sorted(needed - set(cursor.fetchall()))
        if missing:
            raise Conflict(
                "The tables need an extension that the database does not have, or has in another schema.",
                code="extension_differs",
                details=", ".join(f"{extension} in {schema}" for extension, schema in missing),
                hint="Create it there, or restore the backup into a new tenant.",
            )

    def _settle(self, operation: Operation) -> None:
        if not self._restoration.is_under_way(operation):
            return
        work = work_for(operation)
        if not self._adapters.servers.is_lost(work.home.server_id):
            self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        self._restoration.release(operation)


def _require_one_of_a_name(tables: Iterable[ContentTable]) -> None:
    """Make sure that the former rows of all tables can lie in one schema. :raises Conflict: `names_collide`."""
    seen: set[str] = set()
    for table in tables:
        if table.name in seen:
            raise collision(table.name)
        seen.add(table.name)


def _require_whole_groups(tables: Collection[ContentTable], wanted: Sequence[WantedTable]) -> None:
    """Make sure that of tables whose rows may lie in others' partitions since the backup all are wanted, or none.

    :raises Conflict: only some are (`tables_needed`).
    """
    taken = {table.place: any(one.takes(table.place, table.roots) for one in wanted) for table in tables}
    some = {table.rehashed_in for table in tables if table.rehashed_in and taken[table.place]}
    if missing := [".".join(t.place) for t in tables if t.rehashed_in in some and not taken[t.place]]:
        raise Conflict(
            "Rows of these partitions are distributed by a hash that is another one in each database.",
            code="tables_needed",
            details=", ".join(sorted(missing)[:_NAMED]),
            hint="Name the partitioned table instead of some of its partitions.",
        )


def _is_renamed(operation: Operation) -> bool:
    """Whether the tenant's schema in a shared database was renamed since the backup."""
    home = work_for(operation).home
    return home.isolation is Isolation.SCHEMA and operation.facts["schema"] != home.schema


def _patterns(operation: Operation) -> list[str]:
    """List the wanted tables, with the schema's present name."""
    wanted: list[str] = operation.facts["wanted"]
    if not _is_renamed(operation):
        return wanted
    return [f"{work_for(operation).home.schema}.{pattern.partition('.')[2]}" for pattern in wanted]
