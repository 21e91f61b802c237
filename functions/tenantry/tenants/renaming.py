"""Gives a tenant, and everything that is named after it, a new id; its data stays where it is.

Between `stop` and `serve` the tenant is served under neither id. From `stop` on, the registry has it under the new id
only. The old id stays reserved for it for ever, because its backups and its audit trail are stored under that id.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tenantry.access.rotation import rotation_schedule
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import dump_login, login_names
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain import operation_kinds
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, NotFound
from tenantry.domain.home import credentials_at
from tenantry.domain.operation import MARKED, Operation
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import FormerId, LeftBehind, Tenant, TenantId, TenantStatus, new_home
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operations import Step
from tenantry.servers.role_renaming import TenantRenaming
from tenantry.servers.servers import Servers
from tenantry.tenants.rename_checks import Renaming, check_renaming, read_renaming
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

KIND = operation_kinds.RENAME
# The class of SQLSTATEs that refuse a login or its password.
_REFUSED = "28"
_CONNECT = ConnectSettings(application_name="tenantry-rename")


@dataclass(frozen=True, slots=True)
class RenamingTools:
    """The adapters; with a `rotation_function` (an ARN), the credentials are rotated monthly under the new id too."""

    registry: Registry
    servers: Servers
    secrets: SecretStore
    users: UserDirectory
    usage_plans: UsagePlans
    leases: Leases
    rotation_function: str = ""


def new_id(operation: Operation) -> TenantId:
    """Return the id that the tenant is to get."""
    return TenantId(operation.facts["tenant_id"])


def old_id(operation: Operation) -> TenantId:
    """Return the id that the tenant had when the rename was requested."""
    return TenantId(operation.target.removeprefix("tenant/"))


class TenantRenamer:
    """The steps of a rename. The registry's entry of the new id names the operation until the last step has ended."""

    def __init__(self, tools: RenamingTools) -> None:
        """Take the adapters."""
        self._tools = tools

    def steps(self) -> Sequence[Step]:
        """List the steps in order. The old secret is deleted last, because the steps read from it."""
        return (
            self._step("reserve", self._reserve),
            self._step("stop", self._stop),
            self._step("rename_roles", self._rename_roles),
            self._step("rename_home", self._rename_home),
            self._step("rename_secret", self._rename_secret),
            self._step("usage_key", self._make_usage_key),
            self._step("serve", self._serve),
            self._step("users", self._move_users),
            self._step("finish", self._finish),
        )

    def _step(self, name: str, run: Callable[[Operation], dict[str, Any] | None]) -> Step:
        """Run a step under the lease on the new id too; the performer of the operation holds the old id's lease."""

        def run_alone(operation: Operation) -> dict[str, Any] | None:
            with self._tools.leases.hold(TENANT_LEASE, new_id(operation).value):
                return run(operation)

        return Step(name, run_alone)

    def _reserve(self, operation: Operation) -> dict[str, Any]:
        """Check everything once more, and reserve the new id, so that nobody else takes it."""
        old, new, registry = old_id(operation), new_id(operation), self._tools.registry
        tenant = check_renaming(
            old,
            new,
            operation.operation_id,
            registry=registry,
            secrets=self._tools.secrets,
            servers=self._tools.servers,
        )
        tenant = replace(tenant, relocation=operation.operation_id)
        registry.put_tenant(_reservation(tenant, new))
        registry.put_tenant(tenant)
        return {"status": tenant.status.value}

    def _stop(self, operation: Operation) -> dict[str, Any]:
        """Stop serving the old id, and end its sessions."""
        old, registry, tenant = old_id(operation), self._tools.registry, self._tenant(operation)
        status = operation.facts["status"]
        if served := registry.tenant(old):
            # Since the reservation, the tenant may have been suspended or have got other limits.
            status, tenant = served.status.value, _reservation(served, tenant.tenant_id)
            registry.put_tenant(tenant)
        known = registry.former_id(old)
        stopped_at = known.retired_at if known else datetime.now(UTC)
        for former_id in tenant.former_ids:
            earlier = registry.former_id(former_id)
            at = earlier.retired_at if earlier else stopped_at
            registry.put_former_id(FormerId(former_id, tenant.tenant_id, at))
        registry.delete_tenant(old)
        registry.delete_former_id(tenant.tenant_id)
        if not self._tools.servers.is_lost(tenant.server_id):
            server = TenantRenaming(self._tools.servers.connector(tenant.server_id))
            server.end_sessions(old, self._renaming(operation).before.database)
            server.remove_inspectors(old)
        return {"status": status, "stopped_at": stopped_at.isoformat()}

    def _rename_roles(self, operation: Operation) -> None:
        renaming = self._renaming(operation)
        if self._tools.servers.is_lost(renaming.before.server_id):
            # What is there keeps its names, under which an erasure looks for it should the server come back.
            self._leave_behind(operation, renaming)
            return
        TenantRenaming(self._tools.servers.connector(renaming.before.server_id)).rename_roles(
            renaming.tenant_id,
            renaming.new_id,
            renaming.renamed_credentials().username,
            renaming.credentials.password,
            is_marked=MARKED in operation.facts,
        )

    def _rename_home(self, operation: Operation) -> dict[str, Any]:
        renaming = self._renaming(operation)
        if self._tools.servers.is_lost(renaming.before.server_id):
            return {}
        return dict(
            TenantRenaming(self._tools.servers.connector(renaming.before.server_id)).rename_home(
                renaming.tenant_id, renaming.new_id, renaming.before, renaming.after
            )
        )

    def _rename_secret(self, operation: Operation) -> None:
        """Store the credentials under the new name, after a login with them has reached the tenant's own home."""
        renaming = self._renaming(operation)
        credentials = renaming.renamed_credentials()
        if not self._tools.servers.is_lost(renaming.before.server_id):
            self._try(operation, credentials)
        self._tools.secrets.write(renaming.new_id, credentials)
        if password := self._tools.secrets.find_dump_password(renaming.tenant_id):
            self._tools.secrets.write_dump_password(renaming.new_id, dump_login(renaming.new_id), password)

    def _try(self, operation: Operation, credentials: Credentials) -> None:
        try:
            TenantConnection(new_id(operation), credentials, _CONNECT).close()
        except DatabaseUnavailable as exc:
            if not exc.code.startswith(_REFUSED):
                raise
            # The old secret was made anew since the roles got their password.
            self._rename_roles(operation)
            TenantConnection(new_id(operation), credentials, _CONNECT).close()

    def _make_usage_key(self, operation: Operation) -> None:
        tenant = self._tenant(operation)
        key = self._tools.usage_plans.ensure(tenant.tenant_id, tenant.limits.plan)
        self._tools.registry.put_tenant(replace(tenant, usage_key=key))

    def _serve(self, operation: Operation) -> dict[str, Any]:
        """Serve the new id, if the old one was served."""
        tenant = replace(self._tenant(operation), status=TenantStatus(operation.facts["status"]))
        self._tools.registry.put_tenant(tenant)
        unserved = datetime.now(UTC) - datetime.fromisoformat(operation.facts["stopped_at"])
        return {"unserved_ms": round(unserved.total_seconds() * 1000)}

    def _move_users(self, operation: Operation) -> dict[str, Any]:
        """Give the users the new id: whoever signs in after this is served."""
        users = self._tools.users.find(old_id(operation))
        for user in users:
            self._tools.users.hand_over(user, new_id(operation))
        return {"users": len(users)}

    def _finish(self, operation: Operation) -> None:
        """Delete what is left under the old id. A repeated call finds the tenant released, and deletes nothing."""
        new, registry = new_id(operation), self._tools.registry
        tenant = registry.tenant(new)
        if tenant and tenant.relocation == operation.operation_id:
            self._tools.secrets.delete(old_id(operation))
            self._tools.usage_plans.delete(old_id(operation))
            tenant = replace(tenant, relocation="")
            registry.put_tenant(tenant)
        # Secrets Manager tries a new schedule at once; the rotation refuses a tenant that is still being renamed.
        if tenant and not tenant.relocation and self._tools.rotation_function:
            self._tools.secrets.schedule_rotation(new, self._tools.rotation_function, rotation_schedule(new))

    def _tenant(self, operation: Operation) -> Tenant:
        """Look up the tenant under its new id, and make sure that this operation holds it."""
        tenant = self._tools.registry.tenant(new_id(operation))
        if tenant is None or tenant.relocation != operation.operation_id:
            raise NotFound(
                "The tenant is not being renamed by this operation.",
                code="not_renaming",
                hint="GET /admin/v1/operations shows what became of the rename.",
            )
        return tenant

    def _leave_behind(self, operation: Operation, renaming: Renaming) -> None:
        tenant, left = self._tenant(operation), LeftBehind(renaming.tenant_id, renaming.before)
        if left not in tenant.left_behind:
            self._tools.registry.put_tenant(replace(tenant, left_behind=(*tenant.left_behind, left)))

    def _renaming(self, operation: Operation) -> Renaming:
        """Read what is renamed. A secret that was deleted by hand since the rename began is made anew.

        Roles get the password that is in it when they are renamed.
        """
        tenant, old, new = self._tenant(operation), old_id(operation), new_id(operation)
        if self._tools.secrets.find(old) is None and not tenant.adopted_database:
            self._tools.secrets.write(old, self._new_credentials(tenant, old))
        return read_renaming(tenant, old, new, self._tools.secrets)

    def _new_credentials(self, tenant: Tenant, old: TenantId) -> Credentials:
        home, server = new_home(old, tenant.server_id, tenant.isolation), self._tools.servers.get(tenant.server_id)
        login = Credentials(server.host, server.port, home.database, login_names(old)[0], new_password())
        return credentials_at(login, home, server)


def _reservation(tenant: Tenant, new: TenantId) -> Tenant:
    """Build the registry's entry for the new id from the tenant's present entry."""
    former_ids = dict.fromkeys((*tenant.former_ids, tenant.tenant_id))
    return replace(
        tenant,
        tenant_id=new,
        status=TenantStatus.PROVISIONING,
        usage_key="",
        former_ids=tuple(former for former in former_ids if former != new),
    )
