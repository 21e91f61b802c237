"""Takes an odd database through all that may become of a tenant, and compares it with what it was after each."""

import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tenantry.domain.errors import TenantryError
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.odd.generator import Odd
from tests.integration.odd.pen import quoted
from tests.integration.odd.portrait import Portrait, portray
from tests.integration.restores.conftest import Vault

# Says of each table that an owner can drop or empty whether it is done.
_DAMAGE = """
SELECT format('%s TABLE %I.%I CASCADE', (ARRAY['DROP', 'TRUNCATE'])[c.oid::int8 % 2 + 1], n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_get_userbyid(c.relowner) = current_user
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname <> 'alembic_version' ORDER BY c.oid
"""


class Strayed(AssertionError):
    """A home is not what it was, or an operation failed: `leg` says in which part of the way."""

    def __init__(self, leg: str, reasons: list[str]) -> None:
        super().__init__(f"{leg}: {len(reasons)} differ\n" + "\n".join(reasons[:12]))
        self.leg = leg


@dataclass
class Journey:
    """One odd database's way."""

    vault: Vault
    odd: Odd
    refusals: list[str] = field(default_factory=list)

    def go(self) -> None:
        """Go all the way. :raises Strayed: it did not arrive as it was."""
        tenant = self.vault.add(self.odd.isolation)
        try:
            self._make(tenant)
            self._restore(tenant)
            self._clone(tenant)
            self._move(tenant)
            if self.odd.isolation is Isolation.SCHEMA:
                self._promote(tenant)
        finally:
            self.vault.drop()
            self.vault.made.clear()

    def _make(self, tenant: TenantId) -> None:
        """Run the SQL as the tenant's owner."""
        schema = self.vault.credentials(tenant).schema
        for block in self.odd.write(tenant, schema):
            # A session for each: what one set the database to binds the next.
            with closing(self.vault.connect(tenant)) as connection, connection.cursor() as cursor:
                # Settings of the generated SQL's own: it is written in UTF-8.
                connection.set_client_encoding("UTF8")
                cursor.execute(f"SET ROLE {quoted(owner_role(tenant))}; SET standard_conforming_strings = on")
                cursor.execute(f"SET search_path = {quoted(schema)}; SET datestyle = 'ISO'; SET array_nulls = on")
                for statement in block.statements:
                    try:
                        cursor.execute(statement)
                    except psycopg2.Error as error:
                        raise Strayed(f"{block.name} can't be made", [statement, str(error)]) from error

    def portrait(self, tenant: TenantId, *, as_schema: bool = False) -> Portrait:
        """Say what the tenant's home holds now."""
        home = self.vault.home(tenant)
        return portray(self.vault.postgres[home.server_id], tenant, home, as_schema=as_schema)

    def _restore(self, tenant: TenantId) -> None:
        before = self.portrait(tenant)
        backup = self._perform("backup", lambda: self.vault.back_up(tenant))
        if backup is None:
            return
        self._same("backup", before, self.portrait(tenant))
        assert backup.manifest
        # Portraits have no order of inherited columns either.
        told = [str(gone) for gone in backup.manifest.omissions or () if gone.reason != "column_order"]
        if told:
            raise Strayed("backup", told)
        drilled = self._perform("drill", lambda: self.vault.scratches().drill(self.vault.order(backup)))
        if drilled.findings.differing:
            raise Strayed("drill", list(drilled.findings.differing))
        self._damage(tenant)
        damaged = self.portrait(tenant)
        if self._operate("restore", tenant, lambda: self.vault.start(backup)):
            self._same("restore", before, self.portrait(tenant))
            self._operate("undo of a restore", tenant, lambda: self.vault.relocations.undo(tenant, "op-1"))
            self._same("undo of a restore", damaged, self.portrait(tenant))
            self._operate("undo of that", tenant, lambda: self.vault.relocations.undo(tenant, "op-1"))
            self._same("undo of that", before, self.portrait(tenant))
            self._operate("confirmation", tenant, lambda: self.vault.relocations.confirm(tenant, "op-1"))
            self._same("confirmation", before, self.portrait(tenant))

    def _damage(self, tenant: TenantId) -> None:
        with closing(self.vault.connect(tenant)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {quoted(owner_role(tenant))}; SET client_encoding = 'UTF8'")
            cursor.execute(_DAMAGE)
            for (statement,) in cursor.fetchall():
                try:
                    cursor.execute(statement)
                except (psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege):
                    # It went with another, or its owner has taken its own right to empty it.
                    continue

    def _clone(self, tenant: TenantId) -> None:
        before, clone = self.portrait(tenant), TenantId(f"m{uuid.uuid4().hex[:10]}")
        self.vault.made.append(clone)
        order = CloneOrder(tenant, clone)
        try:
            operation = self.vault.clones.start(order, "op-1")
        except TenantryError as error:
            self.refusals.append(f"clone: {error.code}")
            self._same("refused clone", before, self.portrait(tenant))
            return
        self._perform("clone", lambda: self.vault.perform_well(operation))
        self._same("clone", before, self.portrait(clone))
        self._same("original of a clone", before, self.portrait(tenant))

    def _move(self, tenant: TenantId) -> None:
        before = self.portrait(tenant)
        if self._operate("move", tenant, lambda: self.vault.relocations.move(tenant, "there", "op-1")):
            self._same("move", before, self.portrait(tenant))
            self._operate("undo of a move", tenant, lambda: self.vault.relocations.undo(tenant, "op-1"))
            self._same("undo of a move", before, self.portrait(tenant))

    def _promote(self, tenant: TenantId) -> None:
        before = self.portrait(tenant)

        def promote() -> Operation:
            return self.vault.relocations.promote(tenant, Isolation.DATABASE, "op-1")

        if self._operate("promotion", tenant, promote):
            self._same("promotion", before, self.portrait(tenant, as_schema=True))
            self._operate("undo of a promotion", tenant, lambda: self.vault.relocations.undo(tenant, "op-1"))
            self._same("undo of a promotion", before, self.portrait(tenant))

    def _operate(self, leg: str, tenant: TenantId, start: Callable[[], Operation]) -> bool:
        """Start and perform an operation; tell whether it was not refused.

        Refused is what is told before anything is begun: then the home is as it was.
        """
        before = self.portrait(tenant)
        try:
            operation = start()
        except TenantryError as error:
            self.refusals.append(f"{leg}: {error.code}")
            self._same(f"refused {leg}", before, self.portrait(tenant))
            return False
        self._perform(leg, lambda: self.vault.perform_well(operation))
        return True

    @staticmethod
    def _perform(leg: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except TenantryError as error:
            raise Strayed(leg, [_described(error)]) from error

    @staticmethod
    def _same(leg: str, before: Portrait, after: Portrait) -> None:
        if differing := before.differences(after):
            raise Strayed(leg, differing)


def _described(error: TenantryError) -> str:
    causes, cause = [f"{error.code}: {error.message} {error.details or ''}"], error.__cause__
    while cause is not None:
        causes.append(repr(cause))
        cause = cause.__cause__
    return " <- ".join(causes)
