"""Inspections of tenants' databases with pgAdmin 4: logins that only read, expire by themselves, and are removed."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantry.access.pass_file_store import PassFileStore
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.identity import check_identity
from tenantry.domain import operation_kinds
from tenantry.domain.changeable import require_in_use, require_still
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, DatabaseUnavailable, TenantryError, TenantUnknown
from tenantry.domain.operation import Operation
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.passwords import new_password
from tenantry.domain.pgadmin import (
    DeskFiles,
    Endpoint,
    Inspector,
    new_inspector_name,
    pass_file_secret_name,
    pgpass_line,
    servers_json,
)
from tenantry.domain.tenant import Isolation, Tenant, TenantId
from tenantry.domain.ulid import new_ulid
from tenantry.operations.operations import Operations, Step
from tenantry.servers.servers import Servers

KIND = operation_kinds.CLOSE_INSPECTION
_CHECK = ConnectSettings(connect_timeout=5, application_name="tenantry-pgadmin")
# An inspection lasts a day at most, and the drift report has what its closing leaves for longer than this.
_LOOKED_BACK = timedelta(days=7)
_SERVERS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class InspectionRequest:
    """The tenants that an operator wants to inspect, for how many hours, and the files on the operator's machine."""

    tenants: tuple[TenantId, ...]
    hours: int
    files: DeskFiles


@dataclass(frozen=True, slots=True)
class _PlannedLogin:
    """An inspector to be made, with its password and its address."""

    inspector: Inspector
    endpoint: Endpoint
    stored: Credentials
    password: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an operator gets: no passwords, but the name of the secret that holds them.

    `expires_at` is in UTC. `sslrootcert` is the PEM text of the servers' certificate authorities, or empty.
    """

    operation_id: str
    expires_at: datetime
    secret: str
    servers: dict[str, Any]
    sslrootcert: str

    def to_json(self) -> dict[str, Any]:
        """Build the answer."""
        return asdict(self) | {"expires_at": self.expires_at.isoformat()}


class Inspections:
    """Opens inspections, and lists the open ones."""

    def __init__(
        self,
        registry: Registry,
        secrets_of_tenants: SecretStore,
        servers: Servers,
        pass_files: PassFileStore,
        operations: Operations,
        stage: str,
    ) -> None:
        """Take the adapters, and the operations that close an inspection when its time is over."""
        self._registry = registry
        self._secrets = secrets_of_tenants
        self._servers = servers
        self._pass_files = pass_files
        self._operations = operations
        self._stage = stage

    def open(self, request: InspectionRequest, actor: str) -> Inspection:
        """Make a login for each tenant, or for none. The closing operation is scheduled before any login is made.

        :raises TenantUnknown: a tenant is unknown; nothing is made.
        :raises Conflict: a tenant can't be inspected; the logins made so far are removed.
        :raises DependencyFailed: an AWS service did not answer; the logins made so far go when their time is over.
        """
        self.close_expired()
        now = datetime.now(UTC).replace(microsecond=0)
        expires_at = now + timedelta(hours=request.hours)
        logins = self._plan_logins(request)
        look_id = new_ulid(now)
        secret = pass_file_secret_name(self._stage, look_id)
        facts = {
            "expires_at": expires_at.isoformat(),
            "secret": secret,
            "inspectors": [login.inspector.to_facts() for login in logins],
        }
        operation = self._operations.start(KIND, f"pgadmin/{look_id}", actor, expires_at, facts)
        try:
            self._make(logins, expires_at)
            lines = [pgpass_line(login.inspector, login.endpoint, login.password) for login in logins]
            self._pass_files.write(secret, "".join(f"{line}\n" for line in lines), expires_at)
        except TenantryError:
            self._operations.start(KIND, operation.target, actor)
            raise
        comment = f"Reads only, until {expires_at:%Y-%m-%d %H:%M} UTC; asked for by {actor}"
        roots = dict.fromkeys(login.endpoint.sslrootcert.strip() for login in logins if login.endpoint.sslrootcert)
        return Inspection(
            operation_id=operation.operation_id,
            expires_at=expires_at,
            secret=secret,
            servers=servers_json([(login.inspector, login.endpoint) for login in logins], request.files, comment),
            sslrootcert="".join(f"{root}\n" for root in roots),
        )

    def page(self, request: PageRequest) -> Page[dict[str, Any]]:
        """Read a page of who may inspect which tenants until when, newest first, with overdue inspections of a week.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._operations.unfinished_page(KIND, _looked_back(), request).map(_shown)

    def close_expired(self) -> None:
        """Start to close overdue inspections: their closing was never started, or has failed.

        :raises DependencyFailed: the closing could not be started.
        """
        # An inspection that has only just expired is being closed.
        over = datetime.now(UTC) - timedelta(minutes=5)
        for inspection in self._operations.unfinished_since(KIND, _looked_back()):
            if _expires_at(inspection) <= over:
                self._operations.start(KIND, inspection.target, inspection.requested_by)

    def _plan_logins(self, request: InspectionRequest) -> list[_PlannedLogin]:
        """Plan the logins; nothing is made yet."""
        found = [(tenant_id, self._registry.tenant(tenant_id)) for tenant_id in dict.fromkeys(request.tenants)]
        if unknown := [tenant_id.value for tenant_id, tenant in found if tenant is None]:
            raise TenantUnknown(
                "There is no such tenant.", details=", ".join(unknown), hint="GET /admin/v1/tenants lists them."
            )
        return [self._plan_login(tenant) for _, tenant in found if tenant]

    def _plan_login(self, tenant: Tenant) -> _PlannedLogin:
        with _about(tenant.tenant_id.value):
            require_in_use(tenant)
            require_still(tenant)
            stored = self._secrets.find(tenant.tenant_id)
            if stored is None:
                raise Conflict(
                    "It has no credentials.",
                    code="credentials_missing",
                    hint="Leave it out, or repeat the call that makes it.",
                )
            if stored.isolation is Isolation.POOLED:
                # The policies of shared tables recognise a tenant by its two logins; another login would see no row.
                raise Conflict(
                    "Its rows lie in shared tables, which show them to its own logins only.",
                    code="pooled",
                    hint="Leave it out, or promote it to a schema or a database of its own.",
                )
            server = self._servers.get(tenant.server_id)
        group = f"Tenantry {self._stage}, {server.region}, {server.server_id}"
        return _PlannedLogin(
            Inspector(tenant.tenant_id.value, server.server_id, stored.dbname, new_inspector_name(tenant.tenant_id)),
            Endpoint(group, stored.host, stored.port, stored.sslmode, stored.sslrootcert),
            stored,
            new_password(),
        )

    def _make(self, logins: Sequence[_PlannedLogin], expires_at: datetime) -> None:
        """Make and try the logins, one after the other on each server."""

        def make_on(server_id: str) -> None:
            roles = self._servers.inspector_roles(server_id)
            for login in (one for one in logins if one.inspector.server_id == server_id):
                with _about(login.inspector.tenant):
                    roles.make(login.inspector, login.stored, login.password, expires_at)
                    _try(login)

        with ThreadPoolExecutor(_SERVERS_AT_ONCE) as pool:
            list(pool.map(make_on, sorted({login.inspector.server_id for login in logins})))


@contextmanager
def _about(tenant: str) -> Iterator[None]:
    """Name the tenant in an error that prevents its inspection."""
    try:
        yield
    except TenantryError as error:
        raise type(error)(
            f"The tenant {tenant} can't be looked into: {error.message}",
            code=error.code,
            details=error.details,
            hint=error.hint if isinstance(error, DatabaseUnavailable) else "Leave it out. Nothing was opened.",
        ) from error


def _try(planned: _PlannedLogin) -> None:
    """Log in as the inspector that was made.

    :raises IdentityMismatch: the database names another tenant.
    :raises TenantryError: the login was refused.
    """
    login = replace(planned.stored, username=planned.inspector.login, password=planned.password)
    with closing(connect(login, _CHECK)) as connection:
        check_identity(connection, TenantId(planned.inspector.tenant))


def _looked_back() -> datetime:
    return datetime.now(UTC) - _LOOKED_BACK


def _shown(inspection: Operation) -> dict[str, Any]:
    return {
        "operation_id": inspection.operation_id,
        "requested_by": inspection.requested_by,
        "requested_at": inspection.requested_at.isoformat(),
        "expires_at": inspection.facts["expires_at"],
        "expired": _expires_at(inspection) <= datetime.now(UTC),
        "secret": inspection.facts["secret"],
        "logins": inspection.facts["inspectors"],
    }


def _expires_at(inspection: Operation) -> datetime:
    return datetime.fromisoformat(inspection.facts["expires_at"])


def closing_steps(servers: Servers, pass_files: PassFileStore) -> Sequence[Step]:
    """List the steps that close an inspection: the logins first, so that nobody is connected when the secret goes."""

    def drop_logins(operation: Operation) -> None:
        for inspector in operation.facts["inspectors"]:
            # A login expires by itself, wherever its server is.
            if not servers.is_lost(inspector["server_id"]):
                servers.inspector_roles(inspector["server_id"]).drop(inspector["login"])

    def delete_secret(operation: Operation) -> None:
        pass_files.delete(operation.facts["secret"])

    return (Step("drop_logins", drop_logins), Step("delete_secret", delete_secret))
