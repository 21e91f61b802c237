"""Clones a tenant: copies its data as of one moment, while it is in use. Every step may be repeated."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.home_copier import HomeCopier
from tenantry.contents.residents import Resident
from tenantry.contents.steadiness import repeat_while_rewritten
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import login_names
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.changeable import require_kept, require_still
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.home import credentials_at, home_of_facts
from tenantry.domain.operation import MARKED, Operation, tenant_of
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus
from tenantry.homes.copy_login import drop_copy_login
from tenantry.homes.factory import home_of
from tenantry.homes.swapping import readmit
from tenantry.operations.operations import Step
from tenantry.relocation.residence import own_options
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.servers import Servers
from tenantry.tenants.onboarding import Onboarding
from tenantry.tenants.retired_ids import find_by_any_id


class Cloning:
    """The steps of a clone. Until the last step has ended, the new tenant is incomplete and is not served."""

    def __init__(
        self,
        registry: Registry,
        servers: Servers,
        secret_store: SecretStore,
        copier: HomeCopier,
        connect: ConnectSettings,
        onboarding: Onboarding,
    ) -> None:
        """Take the adapters; `onboarding` completes the new tenant."""
        self._registry = registry
        self._servers = servers
        self._secrets = secret_store
        self._copier = copier
        self._connect = connect
        self._onboarding = onboarding

    def steps(self) -> Sequence[Step]:
        """List the steps in order."""
        return Step("prepare", self._prepare), Step("copy", self._copy), Step("finish", self._finish)

    def _prepare(self, operation: Operation) -> None:
        tenant, home = self._tenant(operation), _home(operation)
        credentials = self._new_credentials(tenant.tenant_id, home)
        self._secrets.write(tenant.tenant_id, credentials)
        admin = self._servers.admin(home.server_id)
        admin.make_roles(
            tenant.tenant_id,
            credentials.username,
            credentials.password,
            tenant.limits.connections,
            is_listed=MARKED not in operation.facts,
        )
        admin.set_limits(tenant.tenant_id, tenant.limits)
        give_dump_logins(admin.dump_logins, self._secrets, tenant.tenant_id, home.isolation)

    def _copy(self, operation: Operation) -> dict[str, Any]:
        """Fill the home, made anew at each attempt, so that the whole copy is of one moment."""
        tenant, home = self._tenant(operation), _home(operation)
        source = self._source(operation)
        readmit(self._servers.connector(source.home.server_id), source.tenant_id, source.home)
        self._make_room(tenant, home, source.home)
        began = time.monotonic()
        resident = Resident(tenant.tenant_id, home, self._secrets.read(tenant.tenant_id))
        both = repeat_while_rewritten(
            lambda: self._copier.copy(source, resident),
            self._copier.deadline,
            lambda: self._make_room(tenant, home, source.home),
        )
        both.require_same()
        return {
            "tables": len(both.target.tables),
            "rows": both.target.rows,
            "copy_ms": round((time.monotonic() - began) * 1000),
        }

    def _make_room(self, tenant: Tenant, home: Home, original: Home) -> None:
        target = self._servers.home(tenant.tenant_id, home)
        # A worker that was killed may have left programs that are still filling the home.
        drop_copy_login(self._servers.connector(home.server_id), tenant.tenant_id, home.database)
        target.make_empty(own_options(self._servers, original, home))
        target.close()

    def _finish(self, operation: Operation) -> None:
        known = self._registry.tenant(tenant_of(operation))
        if known and known.status is TenantStatus.ACTIVE and not known.relocation:
            # An earlier attempt finished, but its end was never recorded.
            return
        tenant, home = self._tenant(operation), _home(operation)
        self._servers.home(tenant.tenant_id, home).open()
        credentials = self._secrets.read(tenant.tenant_id)
        # Proves the password, the right to connect, and that the database names this tenant.
        TenantConnection(tenant.tenant_id, credentials, self._connect).close()
        if home.isolation is not Isolation.POOLED:
            self._copier.analyse(Resident(tenant.tenant_id, home, credentials))
        tenant = self._onboarding(tenant, operation.facts["admin_email"])
        self._registry.put_tenant(replace(tenant, status=TenantStatus.ACTIVE, relocation=""))

    def _tenant(self, operation: Operation) -> Tenant:
        tenant = self._registry.tenant(tenant_of(operation))
        if tenant is None or tenant.relocation != operation.operation_id:
            raise Conflict(
                "The tenant is not made by this operation any more.",
                code="operation_over",
                hint="GET /admin/v1/tenants/{tenant_id} names the operation that holds it, if one does.",
            )
        require_kept(tenant)
        return tenant

    def _source(self, operation: Operation) -> Resident:
        """Find the original where it is now, and by the id that it has now: it may have been renamed since.

        :raises Conflict: the original is being moved, so its home may change at any moment.
        """
        source = find_by_any_id(self._registry, TenantId(operation.facts["cloned"]))
        if source is None:
            raise TenantUnknown("The tenant that is to be cloned is gone.")
        require_still(source)
        credentials = self._secrets.read(source.tenant_id)
        return Resident(source.tenant_id, home_of(source, credentials), credentials)

    def _new_credentials(self, tenant_id: TenantId, home: Home) -> Credentials:
        """Make the tenant's credentials; those that an earlier attempt has stored are kept."""
        server = self._servers.get(home.server_id)
        made = self._secrets.find(tenant_id) or Credentials(
            host=server.host,
            port=server.port,
            dbname=home.database,
            username=login_names(tenant_id)[0],
            password=new_password(),
        )
        return credentials_at(made, home, server)


def _home(operation: Operation) -> Home:
    return home_of_facts(operation.facts["home"])
