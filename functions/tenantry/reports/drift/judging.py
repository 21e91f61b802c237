"""Compares the facts that were read with the registry, in both directions. Pure: facts in, findings out."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tenantry.domain.backup_policy import PATIENCE
from tenantry.domain.catalogue import StoredBackups
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, Role, Tenant, TenantStatus, all_ids
from tenantry.reports.drift.findings import Drift, DriftFinding
from tenantry.reports.drift.fleet import (
    LOGIN_KINDS,
    Fleet,
    SecretFacts,
    UsageKey,
    UserFacts,
    expected_home,
    is_tenant_id,
)

# How long a rotation may take, including Secrets Manager's retries.
_ROTATION_TIME = timedelta(hours=2)


def judge_registry(fleet: Fleet) -> Iterator[DriftFinding]:
    """Find tenants whose server is not registered, and tenants that were never finished."""
    for name, tenant in fleet.tenants.items():
        if tenant.server_id not in fleet.servers:
            yield DriftFinding(Drift.SERVER_UNKNOWN, name, tenant.server_id)
        if tenant.status is TenantStatus.PROVISIONING:
            yield DriftFinding(Drift.TENANT_INCOMPLETE, name, tenant.server_id)


def judge_secrets(fleet: Fleet, stage: str, secrets: list[SecretFacts], now: datetime) -> Iterator[DriftFinding]:
    """Compare the list of secrets (without their content) with tenants and servers."""
    tenants, servers = f"tenantry/{stage}/tenants/", f"tenantry/{stage}/servers/"
    for secret in secrets:
        if secret.name.startswith(tenants):
            yield from _judge_tenants_secret(fleet, stage, secret, secret.name.removeprefix(tenants), now)
        else:
            yield from _judge_servers_secret(fleet, stage, secret, secret.name.removeprefix(servers))
    missing = set(missing_secrets(fleet, stage, secrets))
    for tenant in fleet.settled:
        if f"{tenants}{tenant.tenant_id}" in missing:
            yield DriftFinding(Drift.SECRET_MISSING, tenant.tenant_id.value, tenant.server_id)
    for server in fleet.servers:
        if f"{servers}{server}" in missing:
            yield DriftFinding(Drift.ADMINISTRATOR_MISSING, "", server)


def missing_secrets(fleet: Fleet, stage: str, secrets: list[SecretFacts]) -> list[str]:
    """Name the secrets that tenants and servers should have and that are not among these."""
    seen = {secret.name for secret in secrets}
    wanted = [f"tenantry/{stage}/tenants/{tenant.tenant_id}" for tenant in fleet.settled]
    wanted += [f"tenantry/{stage}/servers/{server}" for server in fleet.servers]
    return [name for name in wanted if name not in seen]


def _judge_servers_secret(fleet: Fleet, stage: str, secret: SecretFacts, server: str) -> Iterator[DriftFinding]:
    if server not in fleet.servers:
        yield DriftFinding(Drift.ADMINISTRATOR_UNKNOWN, "", server, secret.name)
    elif not _bears(secret.tags, {"ServerId": server, "Stage": stage}):
        yield DriftFinding(Drift.TAGS_DISAGREE, "", server, secret.name)


def _judge_tenants_secret(
    fleet: Fleet, stage: str, secret: SecretFacts, name: str, now: datetime
) -> Iterator[DriftFinding]:
    tenant = fleet.tenants.get(name)
    if tenant is None:
        yield DriftFinding(Drift.SECRET_UNKNOWN, name if is_tenant_id(name) else "", "", secret.name)
        return
    if not _bears(secret.tags, {"TenantId": name, "Stage": stage}):
        yield DriftFinding(Drift.TAGS_DISAGREE, name, tenant.server_id, secret.name)
    if tenant in fleet.settled and not secret.rotates:
        yield DriftFinding(Drift.ROTATION_OFF, name, tenant.server_id)
    for version in secret.pending if now - secret.changed_at > _ROTATION_TIME else ():
        yield DriftFinding(Drift.PENDING_LEFT, name, tenant.server_id, version)


def judge_credentials(fleet: Fleet, tenant: Tenant, stored: Credentials) -> Iterator[DriftFinding]:
    """Compare a secret's content with the registry, unless the tenant is being moved: then either may be right."""
    server, home = fleet.servers.get(tenant.server_id), expected_home(tenant)
    if tenant.relocation:
        return
    logins = {f"{tenant.tenant_id}_{kind}" for kind in LOGIN_KINDS}
    agrees = {
        "host": server is None or stored.host == server.host,
        "port": server is None or stored.port == server.port,
        "dbname": stored.dbname == home.database,
        "schema": not home.schema or stored.schema in _schemas(tenant, home),
        "isolation": stored.isolation is home.isolation,
        "username": stored.username in logins,
    }
    for name, does in agrees.items():
        if not does:
            yield DriftFinding(Drift.SECRET_DISAGREES, tenant.tenant_id.value, tenant.server_id, name)


def _schemas(tenant: Tenant, home: Home) -> set[str]:
    """List the schemas that a tenant may have there: in a database of its own one that it was promoted with, too."""
    if home.isolation is not Isolation.DATABASE:
        return {home.schema}
    return {home.schema, *(known.value for known in all_ids(tenant))}


def judge_keys(fleet: Fleet, stage: str, keys: Iterable[UsageKey]) -> Iterator[DriftFinding]:
    """Compare the API keys with the tenants."""
    seen: set[str] = set()
    for key in keys:
        seen.add(key.tenant)
        tenant = fleet.tenants.get(key.tenant)
        if tenant is None:
            yield DriftFinding(Drift.USAGE_KEY_UNKNOWN, key.tenant if is_tenant_id(key.tenant) else "", "", key.name)
        elif not _bears(key.tags, {"TenantId": key.tenant, "Stage": stage}):
            yield DriftFinding(Drift.TAGS_DISAGREE, key.tenant, tenant.server_id, key.name)
    for tenant in fleet.settled:
        if tenant.tenant_id.value not in seen:
            yield DriftFinding(Drift.USAGE_KEY_MISSING, tenant.tenant_id.value, tenant.server_id)


def judge_users(fleet: Fleet, users: Iterable[UserFacts]) -> Iterator[DriftFinding]:
    """Find users whose token names a tenant that does not exist; operators belong to no tenant."""
    for user in users:
        is_operator = user.role == Role.OPERATOR and not user.tenant
        if not is_operator and user.tenant not in fleet.tenants:
            tenant = user.tenant if is_tenant_id(user.tenant) else ""
            yield DriftFinding(Drift.USER_UNKNOWN, tenant, "", user.username)


def judge_backups(
    fleet: Fleet, stored: Mapping[str, StoredBackups], since: Mapping[str, datetime], now: datetime
) -> Iterator[DriftFinding]:
    """Compare the buckets with the tenants.

    :param since: when each tenant's secret was made: a new tenant may have no backup yet.
    """
    for name in stored:
        if fleet.of_any_time(name) is None:
            yield DriftFinding(Drift.BACKUPS_UNKNOWN, name if is_tenant_id(name) else "", "", f"tenants/{name}/")
    for tenant in fleet.settled:
        ids = [tenant.tenant_id.value, *(former.value for former in tenant.former_ids)]
        newest = [found.newest for name in ids if (found := stored.get(name)) and found.newest]
        begun = [at for name in ids if (at := since.get(name))]
        if now - max([*newest, *begun], default=now) > PATIENCE[tenant.backups]:
            where = max(newest).isoformat(timespec="seconds") if newest else ""
            yield DriftFinding(Drift.BACKUP_MISSING, tenant.tenant_id.value, tenant.server_id, where)


def _bears(tags: Mapping[str, str], expected: Mapping[str, str]) -> bool:
    return all(tags.get(name) == value for name, value in expected.items())
