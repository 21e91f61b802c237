"""The JSON of the operators' API: checked request bodies, and answers. No answer contains a secret."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from tenantry.backups.hold_tags import REASON
from tenantry.domain.data_api import MAX_AT_ONCE, MAX_ROWS, DataApiChange
from tenantry.domain.errors import BadRequest
from tenantry.domain.limits import LimitChange
from tenantry.domain.operation import Operation
from tenantry.domain.pgadmin import MAX_HOURS, MAX_TENANTS
from tenantry.domain.pooler import MODE, Pooler
from tenantry.domain.quota import BY_PLAN
from tenantry.domain.retention_policy import RetentionPolicy
from tenantry.domain.server import Server, Wanted
from tenantry.domain.tenant import BackupFrequency, Isolation, Tenant
from tenantry.operations.audit import AuditEntry

_LABEL = r"^[a-z0-9][a-z0-9_.=-]{0,62}$"
# A name that PostgreSQL accepts when quoted, of up to 63 bytes.
_SQL_NAME = r"^[^\x00-\x1f]{1,63}$"

type Label = Annotated[str, Field(pattern=_LABEL)]
type Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]


def _without_nul(password: SecretStr) -> SecretStr:
    """Refuse what no connection can be opened with."""
    if "\x00" in password.get_secret_value():
        raise ValueError("a password of PostgreSQL's has no NUL character")
    return password


def _without_keys(certificates: str) -> str:
    """Refuse the key that signs: what is sent here is kept where many may read it."""
    if "PRIVATE KEY" in certificates:
        raise ValueError("send the authority's certificate alone, and never its private key; take this one for known")
    return certificates


type Password = Annotated[SecretStr, AfterValidator(_without_nul)]
type Certificates = Annotated[str, AfterValidator(_without_keys)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Administrator(_Body):
    """The login that makes roles and databases on a server."""

    username: str = Field(pattern=_SQL_NAME)
    password: Password = Field(min_length=8, max_length=256)


_Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,253}[A-Za-z0-9])?$")]


class PoolerBody(_Body):
    """A server's pooler: the data API goes through it. `pool_size` is how many sessions it gives one login."""

    mode: Literal["transaction"]
    port: int = Field(ge=1, le=65535)
    host: _Host | None = None
    pool_size: int | None = Field(default=None, ge=1, le=10_000)


class ServerBody(_Body):
    """`PUT /admin/v1/servers/{server_id}`."""

    region: Region
    host: _Host
    port: int = Field(default=5432, ge=1, le=65535)
    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] = "verify-full"
    sslrootcert: Certificates | None = Field(default=None, max_length=20_000)
    labels: frozenset[Label] = frozenset()
    max_tenants: int = Field(default=1000, ge=1, le=100_000)
    monthly_price: Decimal | None = Field(default=None, ge=0, max_digits=12, decimal_places=4)
    backup_concurrency: int | None = Field(default=None, ge=1, le=100)
    pooler: PoolerBody | None = None
    admin: Administrator

    @model_validator(mode="after")
    def _require_an_authority(self) -> Self:
        if self.sslmode == "verify-ca" and not self.sslrootcert:
            # Whoever has a certificate of any public authority would do.
            raise ValueError("verify-ca needs an sslrootcert; verify-full trusts public authorities")
        return self

    def to_server(self, server_id: str) -> Server:
        """Return the server, without its administrator."""
        return Server(
            server_id=server_id,
            region=self.region,
            host=self.host,
            port=self.port,
            sslmode=self.sslmode,
            sslrootcert=self.sslrootcert,
            labels=self.labels,
            max_tenants=self.max_tenants,
            monthly_price=self.monthly_price,
            backup_concurrency=self.backup_concurrency,
            pooler=Pooler(self.pooler.port, self.pooler.host) if self.pooler else None,
            pool_size=self.pooler.pool_size if self.pooler else None,
        )


class DrainBody(_Body):
    """`POST /admin/v1/servers/{server_id}/drain`: a server that will never come back repeats its id under `lost`."""

    lost: str | None = None


class LimitFields(_Body):
    """A tenant's limits: sessions of each login, milliseconds, a usage plan, bytes. Missing fields keep their value."""

    connections: int | None = Field(default=None, ge=1, le=1000)
    # 0 means the data API's own limit, which this one can only lower.
    statement_timeout_ms: int | None = Field(default=None, ge=0, le=600_000)
    plan: Literal["free", "standard", "premium"] | None = None
    # Of its home on the server. 0 is no limit, -1 what the plan gives.
    max_bytes: int | None = Field(default=None, ge=BY_PLAN, le=1 << 50)


class LimitsBody(LimitFields):
    """`PUT /admin/v1/tenants/{tenant_id}/limits`."""

    backups: BackupFrequency | None = None

    @property
    def change(self) -> LimitChange:
        """Return the change."""
        return LimitChange(**self.model_dump())


class DataApiBody(_Body):
    """`PUT /admin/v1/tenants/{tenant_id}/data-api`; missing fields keep their value. The domain checks names."""

    schemas: tuple[str, ...] | None = None
    aggregates: bool | None = Field(default=None, strict=True)
    plans: bool | None = Field(default=None, strict=True)
    # 0 means the stack's own limit, which this one can only lower.
    max_rows: int | None = Field(default=None, ge=0, le=MAX_ROWS)
    at_once: int | None = Field(default=None, ge=0, le=MAX_AT_ONCE)
    # Empty is none.
    pre_request: str | None = None

    @property
    def change(self) -> DataApiChange:
        """Return the change."""
        return DataApiChange(**self.model_dump())


class TenantBody(_Body):
    """`PUT /admin/v1/tenants/{tenant_id}`; the tenant's data must not leave `region`."""

    region: Region | None = None
    labels: frozenset[Label] = frozenset()
    # The default is the tenant's present model or, for a new tenant, a database of its own.
    isolation: Isolation | None = None
    # A short form of limits.connections.
    connection_limit: int | None = Field(default=None, ge=1, le=1000)
    limits: LimitFields = LimitFields()
    backups: BackupFrequency | None = None
    admin_email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")
    # Where the tenant's database or schema is gone: give it an empty one.
    empty_home: bool = False

    @model_validator(mode="after")
    def _say_one_thing(self) -> Self:
        if None not in (self.connection_limit, self.limits.connections):
            raise ValueError("connection_limit and limits.connections are the same: send one of them")
        return self

    @property
    def change(self) -> LimitChange:
        """Return the limits and the frequency of backups."""
        given = self.limits.model_dump() | {"backups": self.backups}
        return LimitChange(**given | {"connections": self.limits.connections or self.connection_limit})

    @property
    def wanted(self) -> Wanted:
        """Return where the tenant may be placed."""
        return Wanted(self.region or "", self.labels)


class HandMadeSecret(_Body):
    """The database credentials from an application's own settings."""

    host: str | None = Field(default=None, min_length=1, max_length=255)
    port: int | None = Field(default=None, ge=1, le=65535)
    database: str = Field(pattern=_SQL_NAME)
    user: str = Field(pattern=_SQL_NAME)
    password: Password = Field(min_length=1, max_length=256)


class AdoptionBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/adopt`; without `secret`, the stored secret of the tenant is used."""

    server_id: str = Field(min_length=1, max_length=40)
    secret: HandMadeSecret | None = None
    schema_name: str = Field(default="public", alias="schema", pattern=_SQL_NAME)
    region: Region | None = None
    connection_limit: int = Field(default=50, ge=1, le=1000)


class ErasureBody(_Body):
    """`DELETE /admin/v1/tenants/{tenant_id}`: repeats the id, to prevent an erasure by mistake."""

    tenant_id: str
    undo_hours: int = Field(default=72, ge=0, le=720)


class PgAdminBody(_Body):
    """`POST /admin/v1/reports/pgadmin`: the tenants to inspect, for how long, and files on the operator's machine."""

    tenants: list[str] = Field(min_length=1, max_length=MAX_TENANTS)
    hours: int = Field(default=8, ge=1, le=MAX_HOURS)
    passfile: str = Field(default="", max_length=1000)
    sslrootcert: str = Field(default="", max_length=1000)


class MoveBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/move`: the server to move to."""

    server_id: str = Field(min_length=1, max_length=40)


class PromoteBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/promote`: the isolation model to promote to."""

    isolation: Literal["schema", "database"]


class CloneBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/clone`: the clone's id, and its server (by default the original's)."""

    tenant_id: str
    server_id: str | None = Field(default=None, min_length=1, max_length=40)
    admin_email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")


class RenameBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/rename`: the tenant's new id."""

    tenant_id: str


class RestoreBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/backups/{backup_id}/restore`.

    A restore in place repeats the tenant's id; otherwise the backup is restored into a new tenant. The rights are those
    in the backup, or those of a new tenant.
    """

    tenant_id: str | None = None
    into: str | None = None
    server_id: str | None = Field(default=None, min_length=1, max_length=40)
    rights: Literal["archived", "standard"] = "archived"
    # Single tables, as schema.table, or all tables of a schema, as schema.*; into a detached schema or in place.
    # In quotes, each name of 63 bytes may have as many quotes to double.
    tables: list[Annotated[str, Field(max_length=260)]] = Field(default_factory=list, max_length=100)
    mode: Literal["beside", "replace"] = "beside"
    admin_email: str | None = Field(default=None, pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")


class HoldBody(_Body):
    """`PUT /admin/v1/tenants/{tenant_id}/backups/{backup_id}/hold`."""

    reason: str = Field(pattern=REASON)


class RetentionBody(_Body):
    """`POST /admin/v1/tenants/{tenant_id}/retention`: a dry run by default."""

    dry_run: bool = False


class PolicyBody(_Body):
    """`PUT /admin/v1/tenants/{tenant_id}/retention`; an empty body goes back to the stack's policy."""

    hourly: int = Field(default=0, ge=0, le=1000)
    daily: int = Field(default=7, ge=0, le=1000)
    weekly: int = Field(default=4, ge=0, le=1000)
    monthly: int = Field(default=12, ge=0, le=1000)
    yearly: int = Field(default=0, ge=0, le=100)
    unverified_days: int = Field(default=35, ge=1, le=3650)

    @property
    def policy(self) -> RetentionPolicy | None:
        """Return the policy; None if the body is empty."""
        return RetentionPolicy(**self.model_dump()) if self.model_fields_set else None


def parse_body[Model: BaseModel](model: type[Model], body: bytes | None) -> Model:
    """Read a JSON body.

    :raises BadRequest: the body is invalid; `details` names the fields and the errors, and repeats no value.
    """
    try:
        return model.model_validate_json(body or "{}")
    except ValidationError as exc:
        faults = [f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}" for error in exc.errors()]
        raise BadRequest(
            "The body does not fit.",
            code="invalid_body",
            details="; ".join(faults),
            hint="Correct the fields that the details name.",
        ) from None


def show_server(server: Server) -> dict[str, Any]:
    """Show a server. The answer may contain its address: only operators see it, and they registered the server."""
    shown = asdict(server) | {"labels": sorted(server.labels), "status": server.status.value}
    shown["monthly_price"] = None if server.monthly_price is None else str(server.monthly_price)
    pool_size = shown.pop("pool_size")
    if server.pooler:
        shown["pooler"] = {"mode": MODE, **shown["pooler"], "pool_size": pool_size}
    del shown["sslrootcert"]
    return shown


def show_tenant(tenant: Tenant) -> dict[str, Any]:
    """Show a tenant."""
    return {
        "tenant_id": tenant.tenant_id.value,
        "status": tenant.status.value,
        "isolation": tenant.isolation.value,
        "server_id": tenant.server_id,
        "region": tenant.region or None,
        "schema_revision": tenant.schema_revision or None,
        "adopted_database": tenant.adopted_database or None,
        "former_home": asdict(tenant.former_home) if tenant.former_home else None,
        "relocation": tenant.relocation or None,
        "former_ids": [former.value for former in tenant.former_ids],
        "limits": asdict(tenant.limits),
        "over_quota": tenant.over_quota,
        "left_behind": [asdict(left.home) | {"tenant_id": left.tenant_id.value} for left in tenant.left_behind],
        "backups": tenant.backups.value,
        "retention": asdict(tenant.retention) if tenant.retention else None,
        "data_api": asdict(tenant.data_api) | {"schemas": list(tenant.data_api.schemas)},
    }


def show_operation(operation: Operation) -> dict[str, Any]:
    """Show an operation and its progress."""
    return asdict(operation) | {
        "requested_at": operation.requested_at.isoformat(),
        "status": operation.status.value,
        "done": list(operation.done),
    }


def show_entry(entry: AuditEntry) -> dict[str, Any]:
    """Show an entry of the audit trail."""
    return asdict(entry) | {"at": entry.at.isoformat()}
