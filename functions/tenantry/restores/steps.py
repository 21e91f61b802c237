"""Restores a tenant from one backup: into staging, compared, then swapped in. Every step may be repeated.

A step that fails before the swap is compensated, and no user has noticed anything. After the swap the operation can
only be finished.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.contents.access import Access
from tenantry.contents.statistics import analyse
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.backup import Manifest
from tenantry.domain.backup_facts import Omission
from tenantry.domain.catalogue import CataloguedBackup, require_whole
from tenantry.domain.changeable import require_kept
from tenantry.domain.errors import Conflict, NotFound, RestoreFailed, TenantUnknown
from tenantry.domain.home import credentials_at
from tenantry.domain.operation import MARKED, Operation, OperationStatus, tenant_of
from tenantry.domain.restore import RESTORE_TABLES
from tenantry.domain.tenant import Home, Isolation, Tenant, owner_role
from tenantry.homes.gone import ignore_gone
from tenantry.homes.swapping import readmit
from tenantry.operations.operations import Step
from tenantry.restores.cutover import Cutover, former_of, kept_of
from tenantry.restores.scratch import ScratchOrder, ScratchRestorer
from tenantry.restores.swap_own import DatabaseSwap, SwapStrategy
from tenantry.restores.swap_pooled import PooledSwap
from tenantry.restores.swap_schema import SchemaSwap
from tenantry.restores.work import milliseconds, swap_of, work_for
from tenantry.revisions.history import head_revision
from tenantry.servers.running_server import same_server
from tenantry.servers.servers import Servers
from tenantry.tenants.exposure import renew_exposure


class RestoreAdapters(NamedTuple):
    """The adapters of a restore; `deadline` returns the `time.monotonic()` by which it has to end."""

    registry: Registry
    servers: Servers
    secrets: SecretStore
    catalogue: BackupCatalogue
    scratches: ScratchRestorer
    tools: CopyTools
    connect: ConnectSettings
    deadline: Callable[[], float]


class Restoration:
    """The steps of a restore."""

    def __init__(self, adapters: RestoreAdapters, cutover: Cutover) -> None:
        """Take the adapters, and the cutover to the restored home."""
        self._adapters = adapters
        self._cutover = cutover

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return (
            Step("find", self._find),
            Step("beside", self._stage),
            Step("compare", self._compare),
            Step("prepare", self._prepare),
            Step("keep", self._keep),
            Step("carry", self._carry),
            Step("swap", self._swap),
            Step("settle", self._settle),
        )

    def give_up(self, operation: Operation) -> Operation:
        """Compensate a step that failed before the swap: everything is as it was."""
        if not self.is_under_way(operation) or self.is_swapped(operation):
            return operation
        self.take_back(operation)
        self._cutover.release(operation)
        return replace(operation, done=())

    def take_back(self, operation: Operation) -> None:
        """Reopen the tenant's present home, and drop what was made for the restore."""
        work = work_for(operation)
        if self._adapters.servers.is_lost(work.home.server_id):
            scratch = Home(work.home.server_id, Isolation.DATABASE, work.staging, work.home.schema)
            self._cutover.leave_behind(operation, scratch)
            return
        if self._is_one_server(operation):
            # What would be taken back is the home that the tenant has.
            self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
            return
        with ignore_gone():
            self.strategy(work.home.isolation).take_back(swap_of(operation))
        self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        if former_of(operation):
            # The tenant has nothing else on that server.
            self._cutover.drop_roles(work.tenant_id, work.home.server_id)

    def _is_one_server(self, operation: Operation) -> bool:
        """Whether the tenant is restored where it is, because the other server's id leads to the same one."""
        home, former = work_for(operation).home, former_of(operation)
        if former is None or self._adapters.servers.is_lost(former.server_id):
            return False
        return self._adapters.servers.are_one(former.server_id, home.server_id)

    def is_under_way(self, operation: Operation) -> bool:
        """Whether this operation holds the tenant."""
        tenant = self._adapters.registry.tenant(tenant_of(operation))
        return tenant is not None and tenant.relocation == operation.operation_id

    def require_own(self, operation: Operation) -> None:
        """Make sure that this operation still holds the tenant. :raises TenantryError: it does not."""
        self._tenant(operation)

    def omissions(self, operation: Operation) -> list[Omission]:
        """List what the backup does not bring back. :raises NotFound, Conflict: it is no backup any more."""
        _, manifest = self._backup(operation)
        return list(manifest.omissions or ())

    def release(self, operation: Operation) -> None:
        """Release the tenant for other operations."""
        self._cutover.release(operation)

    def is_swapped(self, operation: Operation) -> bool:
        """Whether the restored home is live."""
        if {"swap", "settle"} & set(operation.done):
            return True
        work = work_for(operation)
        if self._adapters.servers.is_lost(work.home.server_id):
            # What may have been swapped there is lost too: the secret alone says whether the tenant went there.
            return former_of(operation) is not None and self._cutover.leads_to(work.tenant_id, work.home)
        if self._is_one_server(operation):
            # What has the name there is the home that the tenant has.
            return False
        return "keep" in operation.done and self.strategy(work.home.isolation).is_swapped(swap_of(operation))

    def strategy(self, isolation: Isolation) -> SwapStrategy:
        """Return the swap for homes of an isolation model."""
        adapters = self._adapters
        match isolation:
            case Isolation.DATABASE:
                return DatabaseSwap(adapters.servers)
            case Isolation.SCHEMA:
                return SchemaSwap(
                    adapters.servers,
                    adapters.scratches,
                    adapters.tools,
                    adapters.deadline,
                    adapters.secrets.find_dump_password,
                )
            case Isolation.POOLED:
                return PooledSwap(
                    adapters.servers, adapters.scratches, adapters.tools, adapters.deadline, self._cutover.credentials
                )

    def _find(self, operation: Operation) -> dict[str, Any]:
        """Make sure that the backup is whole, and that the target server has the tenant's roles."""
        self._require_wanted(operation)
        _, manifest = self._backup(operation)
        tenant, work = self._tenant(operation), work_for(operation)
        self._cutover.make_roles(tenant, work.home, is_marked=MARKED in operation.facts)
        readmit(self._adapters.servers.connector(work.home.server_id), tenant.tenant_id, work.home)
        return {
            "stored_bytes": manifest.dump.stored_bytes,
            "dump_bytes": manifest.dump.dump_bytes,
            "taken_at": manifest.started_at.isoformat(),
        }

    def _stage(self, operation: Operation) -> dict[str, Any]:
        self._tenant(operation)
        began = time.monotonic()
        self._adapters.scratches.restore(self._order(operation))
        return {"restore_ms": milliseconds(began)}

    def _compare(self, operation: Operation) -> dict[str, Any]:
        self._tenant(operation)
        began = time.monotonic()
        order = self._order(operation)
        found = self._adapters.scratches.examine(order)
        found.require_same()
        # What they owned is the tenant's owner's there, and they have no rights: an operator has to know.
        told: dict[str, Any] = {"roles_left_out": list(found.left_out)} if found.left_out else {}
        told |= {"uncounted": found.uncounted} if found.uncounted else {}
        return told | {
            "tables": len(found.tables),
            "rows": found.rows,
            "schema_revision": found.schema_revision,
            "compared": found.compared,
            "compare_ms": milliseconds(began),
        }

    def _prepare(self, operation: Operation) -> dict[str, Any]:
        tenant, home = self._tenant(operation), work_for(operation).home
        order = self._order(operation)
        facts = self.strategy(home.isolation).prepare(
            swap_of(operation), order.home, order.manifest, keep_rights=order.keep_rights
        )
        # The restored schema may be older than the tables that are exposed now.
        renew_exposure(self._adapters.servers, tenant, replace(home, database=order.home.database))
        return facts

    def _keep(self, operation: Operation) -> dict[str, Any]:
        self._tenant(operation)
        began = time.time()
        self.strategy(work_for(operation).home.isolation).keep(swap_of(operation))
        return {"closed_at": began}

    def _carry(self, operation: Operation) -> dict[str, Any] | None:
        """Bring a schema to its place; whatever else is swapped in one transaction, in the next step."""
        work = work_for(operation)
        # An operation that an earlier version began may have been swapped without this step.
        if work.home.isolation is not Isolation.SCHEMA or "swap" in operation.done:
            return None
        self._tenant(operation)
        order, strategy = self._order(operation), self.strategy(work.home.isolation)
        return strategy.carry(swap_of(operation), order.home, order.manifest, keep_rights=order.keep_rights)

    def _swap(self, operation: Operation) -> dict[str, Any]:
        self._tenant(operation)
        work, swap = work_for(operation), swap_of(operation)
        strategy = self.strategy(work.home.isolation)
        # In shared tables only writes are refused, from the moment when the present rows were copied.
        pooled = work.home.isolation is Isolation.POOLED
        # A schema was closed by the step before, and a database is by this one; elsewhere than here nothing is yet.
        waited = pooled or (work.home.isolation is Isolation.SCHEMA and swap.has_home)
        began = operation.facts["closed_at"] if waited else time.time()
        if not strategy.is_swapped(swap):
            strategy.swap(swap, self._order(operation).home)
        self._cutover.switch(work.tenant_id, work.home, former_of(operation))
        strategy.finish(swap)
        facts = {"writes_refused_ms" if pooled else "refused_ms": round((time.time() - began) * 1000)}
        revision = head_revision() if pooled else operation.facts["schema_revision"]
        self._cutover.note(operation, work.home, kept_of(operation, swap), revision)
        # This checks the password, the right to connect, and that the database names this tenant.
        credentials = self._cutover.credentials(work.tenant_id)
        TenantConnection(work.tenant_id, credentials, self._adapters.connect).close()
        return facts

    def _settle(self, operation: Operation) -> None:
        """Analyse the new tables, drop the scratch databases, and release the tenant."""
        if not self.is_under_way(operation):
            return
        work = work_for(operation)
        if self._adapters.servers.is_lost(work.home.server_id):
            self._cutover.settle(operation)
            return
        self._adapters.scratches.sweep(work.home.server_id, work.tenant_id)
        if work.home.isolation is not Isolation.POOLED:
            server = self._adapters.servers.get(work.home.server_id)
            credentials = credentials_at(self._cutover.credentials(work.tenant_id), work.home, server)
            analyse(Access(work.home, credentials, owner_role(work.tenant_id)), self._adapters.scratches.settings())
        self._cutover.settle(operation)

    def _order(self, operation: Operation) -> ScratchOrder:
        work = work_for(operation)
        backup, manifest = self._backup(operation)
        # A copy of single tables is for its owner alone, and rows that are exchanged have the rights that are there. So
        # the owner owns all of the scratch database, and may set the tables apart.
        keep_rights = work.keep_rights and operation.kind != RESTORE_TABLES
        return ScratchOrder(
            manifest, backup.bucket, work.tenant_id, work.home.server_id, work.staging, keep_rights=keep_rights
        )

    def _backup(self, operation: Operation) -> tuple[CataloguedBackup, Manifest]:
        """Look the backup up in the bucket again."""
        work = work_for(operation)
        backup = self._adapters.catalogue.find(work.backup_id, work.archived)
        if backup is None:
            raise NotFound(
                "There is no such backup.",
                code="backup_unknown",
                hint="GET /admin/v1/tenants/{tenant_id}/backups lists those that there are.",
            )
        return backup, require_whole(backup)

    def _tenant(self, operation: Operation) -> Tenant:
        tenant = self._adapters.registry.tenant(tenant_of(operation))
        if tenant is None:
            raise TenantUnknown()
        if tenant.relocation != operation.operation_id:
            raise Conflict(
                "The tenant is not restored by this operation any more.",
                code="operation_over",
                hint="GET /admin/v1/tenants/{tenant_id} names the operation that holds it, if one does.",
            )
        require_kept(tenant)
        if self._is_one_server(operation):
            raise same_server(work_for(operation).home.server_id)
        return tenant

    def _require_wanted(self, operation: Operation) -> None:
        """Refuse a failed operation that nobody has started again: its tenant may have changed since."""
        if operation.status is OperationStatus.FAILED and not self.is_under_way(operation):
            raise RestoreFailed("The restore has failed, and was not asked for again.", code=operation.error)
