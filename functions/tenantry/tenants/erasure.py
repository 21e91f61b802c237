"""Erases a tenant, step by step, and leaves a certificate."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.database.marks import NAME_TAKEN
from tenantry.domain import operation_kinds
from tenantry.domain.errors import Conflict
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Home, Isolation, LeftBehind, TenantId, TenantStatus
from tenantry.homes.factory import home_of
from tenantry.operations.operations import Step
from tenantry.servers.servers import Servers
from tenantry.tenants.certificate import make_certificate
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erased_remains import told_as_kept
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

KIND = operation_kinds.ERASE


class Erasure:
    """The steps of an erasure. What was found at first decides what is deleted, so that a repetition misses nothing."""

    def __init__(
        self,
        registry: Registry,
        servers: Servers,
        secrets: SecretStore,
        backups: BackupRemoval,
        users: UserDirectory,
        certificates: CertificateStore,
        usage_plans: UsagePlans,
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._servers = servers
        self._secrets = secrets
        self._backups = backups
        self._users = users
        self._certificates = certificates
        self._usage_plans = usage_plans

    def steps(self) -> Sequence[Step]:
        """List the steps in their order; the registry forgets the tenant last, with the certificate."""
        return (
            Step("find", self._find),
            Step("drop_database", self._drop_database),
            Step("drop_roles", self._drop_roles),
            Step("delete_backups", self._delete_backups),
            Step("delete_users", self._delete_users),
            Step("delete_usage_key", self._delete_usage_key),
            Step("delete_secret", self._delete_secret),
            Step("certify", self._certify),
        )

    def _find(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        tenant = self._registry.tenant(tenant_id)
        if tenant is None or tenant.status is not TenantStatus.ERASING:
            raise Conflict(
                "The tenant is not to be erased any more.",
                code="not_erasing",
                hint="It was kept. DELETE it again to erase it.",
            )
        # One that can't be read, or that somebody has deleted by hand, does not keep the rest from being erased.
        credentials = self._secrets.find_usable(tenant_id)
        home = home_of(tenant, credentials)
        known = {LeftBehind(tenant_id, each) for each in (home, tenant.former_home) if each}
        backups = self._backups.find(tenant_id, *tenant.former_ids)
        found = {
            # What was backed up under them is the tenant's too.
            "former_ids": [former.value for former in tenant.former_ids],
            **self._find_home(tenant_id, home),
            # Kept for an undo of a move or a promotion, for which it is too late now.
            "former_home": self._find_home(tenant_id, tenant.former_home) if tenant.former_home else None,
            "left_behind": [
                self._find_home(left.tenant_id, left.home) | {"tenant_id": left.tenant_id.value}
                for left in tenant.left_behind
                if left not in known
            ],
            "backup_versions": backups.versions,
            "backup_bytes": backups.bytes,
            "users": len(self._users.find(tenant_id)),
            "usage_key": self._usage_plans.exists(tenant_id),
            "secret": self._secrets.exists(tenant_id),
        }
        return {"found": found, "deleted": {}, "remains": []}

    def _find_home(self, tenant_id: TenantId, home: Home) -> dict[str, Any]:
        is_lost = self._servers.is_lost(home.server_id)
        return {
            "server_id": home.server_id,
            "isolation": home.isolation.value,
            "database": home.database,
            "schema": home.schema,
            "database_bytes": None if is_lost else self._servers.home(tenant_id, home).size(),
            "roles": [] if is_lost else self._servers.removal(home.server_id).find_roles(tenant_id),
        }

    def _drop_database(self, operation: Operation) -> dict[str, Any]:
        found = _found_homes(operation)
        why = [self._drop_home(_whose(operation, each), _home(each)) for each in found]
        gone = [_home(each) for each, reason in zip(found, why, strict=True) if not reason]
        named = _named(_home(found[0])) if _home(found[0]) in gone else {}
        former = operation.facts["found"].get("former_home")
        if former and _home(former) in gone:
            named["former_home"] = _named(_home(former))
        kept = [
            {"what": _described(_home(each)), "why": reason} for each, reason in zip(found, why, strict=True) if reason
        ]
        return _deleted(operation, **named) | {"remains": [*operation.facts["remains"], *kept]}

    def _drop_home(self, tenant_id: TenantId, home: Home) -> str:
        """Drop a home; returns why it remains, which is nothing where it is gone.

        What has its name may be somebody else's, as a tenant that was never complete may find.
        """
        if self._servers.is_lost(home.server_id):
            return f"The server {home.server_id} is lost: nobody can look"
        try:
            admin = self._servers.home(tenant_id, home)
            admin.untie()
            admin.drop()
        except Conflict as exc:
            if exc.code != NAME_TAKEN:
                raise
            return "It is not the tenant's"
        return ""

    def _drop_roles(self, operation: Operation) -> dict[str, Any]:
        for found in _found_homes(operation):
            if self._servers.is_lost(found["server_id"]):
                continue
            self._servers.removal(found["server_id"]).drop_roles(found["roles"])
        return _deleted(operation, roles=operation.facts["found"]["roles"])

    def _delete_backups(self, operation: Operation) -> dict[str, Any]:
        result = self._backups.delete(_tenant_id(operation), *map(TenantId, _former_ids(operation)))
        counted = _deleted(operation, backup_versions=result.versions, backup_bytes=result.bytes)
        return counted | {"remains": [*operation.facts["remains"], *told_as_kept(result.kept)]}

    def _delete_users(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        users = self._users.find(tenant_id)
        for user in users:
            self._users.delete(user)
        return _deleted(operation, users=operation.facts["found"]["users"])

    def _delete_usage_key(self, operation: Operation) -> dict[str, Any]:
        self._usage_plans.delete(_tenant_id(operation))
        # An erasure that began before there were usage keys has not looked for one.
        return _deleted(operation, usage_key=operation.facts["found"].get("usage_key", False))

    def _delete_secret(self, operation: Operation) -> dict[str, Any]:
        self._secrets.delete(_tenant_id(operation))
        return _deleted(operation, secret=operation.facts["found"]["secret"])

    def _certify(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        certificate = make_certificate(
            tenant_id=tenant_id.value,
            operation_id=operation.operation_id,
            requested_by=operation.requested_by,
            requested_at=operation.requested_at,
            at=datetime.now(UTC),
            facts=operation.facts,
        )
        self._certificates.put(certificate, _former_ids(operation))
        for gone in (tenant_id, *map(TenantId, _former_ids(operation))):
            self._registry.put_erased_id(gone, datetime.now(UTC))
        self._registry.delete_tenant(tenant_id)
        return {"certificate": asdict(certificate)}


def _tenant_id(operation: Operation) -> TenantId:
    return TenantId(operation.target.removeprefix("tenant/"))


def _former_ids(operation: Operation) -> list[str]:
    # An erasure that began before there were renames has not looked for any.
    return list(operation.facts["found"].get("former_ids", []))


def _found_homes(operation: Operation) -> list[dict[str, Any]]:
    found = operation.facts["found"]
    former = found.get("former_home")
    # An erasure that began before anything could be left behind has not looked for that.
    return [found, *([former] if former else []), *found.get("left_behind", [])]


def _whose(operation: Operation, found: dict[str, Any]) -> TenantId:
    """Return the tenant id that a home was made under: one that was left behind before a rename has the old one."""
    return TenantId(found["tenant_id"]) if "tenant_id" in found else _tenant_id(operation)


def _home(found: dict[str, Any]) -> Home:
    # An erasure that began before there were other models than this has found a database.
    isolation = Isolation(found.get("isolation", Isolation.DATABASE))
    return Home(found["server_id"], isolation, found["database"], found.get("schema", "public"))


def _named(home: Home) -> dict[str, Any]:
    """Name what was deleted: nobody shall read that a database which others share was dropped."""
    match home.isolation:
        case Isolation.DATABASE:
            return {"database": home.database}
        case Isolation.SCHEMA:
            return {"schema": f"{home.database}.{home.schema}"}
        case Isolation.POOLED:
            return {"rows_of": home.database}


def _described(home: Home) -> str:
    return f"database {home.database}" if home.isolation is Isolation.DATABASE else f"{home.database}.{home.schema}"


def _deleted(operation: Operation, **things: Any) -> dict[str, Any]:
    return {"deleted": operation.facts["deleted"] | things}
