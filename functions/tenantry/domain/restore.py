"""Restores: what is asked for, and what things are called that exist only because of one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.content import Table
from tenantry.domain.errors import NotFound
from tenantry.domain.home import home_of_facts
from tenantry.domain.tenant import Home, Isolation, TenantId

RESTORE, UNDO_RESTORE, ABANDON_RESTORE, RESTORE_TABLES = (
    "restore_tenant",
    "undo_restore",
    "abandon_restore",
    "restore_tables",
)

_TAG = 10
_STAGING, _DRILL, _KEPT = "_restore_", "_drill_", "_before_"
_RESTORED, _REPLACED = "restored", "replaced"
_DETACHED = re.compile(rf"([a-z0-9-]+)_(?:{_RESTORED}|{_REPLACED})_[0-9a-z]{{{_TAG}}}")


def staging_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name what is filled beside a tenant's home: a database, or a schema. An id holds no `_`: it is nobody else's."""
    return f"{tenant_id}{_STAGING}{_tag(operation_id)}"


def drill_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name the database of a drill, which is dropped at its end."""
    return f"{tenant_id}{_DRILL}{_tag(operation_id)}"


def kept_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name what a restore took the place of, kept for an undo."""
    return f"{tenant_id}{_KEPT}{_tag(operation_id)}"


def restored_schema(tenant_id: TenantId, home: Home, operation_id: str) -> str:
    """Name the schema that single tables are restored into, beside those that are there."""
    return _detached(tenant_id, home, _RESTORED, operation_id)


def replaced_schema(tenant_id: TenantId, home: Home, operation_id: str) -> str:
    """Name the schema that keeps the rows of tables whose rows were replaced."""
    return _detached(tenant_id, home, _REPLACED, operation_id)


def detached_owner(schema: str) -> str:
    """Name the tenant for which single tables were put into a schema of a shared database; empty: it is none such."""
    found = _DETACHED.fullmatch(schema)
    return found[1] if found else ""


def wanted_tables(tables: Mapping[str, Table], patterns: Iterable[str]) -> list[str]:
    """Find tables by `schema.table`, or all of a schema by `schema.*`; returns the names that `tables` has.

    :raises NotFound: there is no such table.
    """
    found: list[str] = []
    for pattern in patterns:
        matching = [n for n, t in tables.items() if pattern in (f"{t.schema}.{t.name}", f"{t.schema}.*")]
        if not matching:
            raise NotFound("The backup has no such table.", code="table_unknown", details=pattern)
        found += matching
    return list(dict.fromkeys(found))


def is_scratch(tenant_id: TenantId, name: str) -> bool:
    """Whether a database of this name is of use only to a restore or drill of this tenant's that is under way."""
    return name.startswith((f"{tenant_id}{_STAGING}", f"{tenant_id}{_DRILL}"))


def is_kept(tenant_id: TenantId, home: Home | None) -> bool:
    """Whether a home is what a restore took the place of, on the same server."""
    prefix = f"{tenant_id}{_KEPT}"
    return home is not None and (home.database.startswith(prefix) or home.schema.startswith(prefix))


def kept_home(tenant_id: TenantId, home: Home, operation_id: str) -> Home:
    """Say where a restore keeps what was in a home: rows of shared tables get a database for it."""
    name = kept_name(tenant_id, operation_id)
    match home.isolation:
        case Isolation.DATABASE:
            return Home(home.server_id, home.isolation, name, home.schema)
        case Isolation.SCHEMA:
            return Home(home.server_id, home.isolation, home.database, name)
        case Isolation.POOLED:
            return Home(home.server_id, Isolation.DATABASE, name, home.schema)


@dataclass(frozen=True, slots=True)
class RestoreWork:
    """What one operation restores: from which backup, for which tenant, to which home."""

    operation_id: str
    tenant_id: TenantId
    # Under which id the backup lies: another tenant's, or one that the tenant had before.
    archived: TenantId
    backup_id: BackupId
    home: Home
    keep_rights: bool

    @property
    def staging(self) -> str:
        """The name of what is filled."""
        return staging_name(self.tenant_id, self.operation_id)

    @property
    def kept(self) -> Home:
        """Where it keeps what was there."""
        return kept_home(self.tenant_id, self.home, self.operation_id)

    def to_facts(self) -> dict[str, Any]:
        """Write it as JSON values; the operation has its id and its tenant."""
        return {
            "archived": self.archived.value,
            "backup_id": self.backup_id.value,
            "home": asdict(self.home),
            "keep_rights": self.keep_rights,
        }


def work_of(operation_id: str, tenant_id: TenantId, facts: dict[str, Any]) -> RestoreWork:
    """Read it back from an operation."""
    return RestoreWork(
        operation_id,
        tenant_id,
        TenantId(facts["archived"]),
        BackupId(facts["backup_id"]),
        home_of_facts(facts["home"]),
        facts["keep_rights"],
    )


def _detached(tenant_id: TenantId, home: Home, kind: str, operation_id: str) -> str:
    # In a database that others share, its name says whose it is.
    whose = "" if home.isolation is Isolation.DATABASE else f"{tenant_id}_"
    return f"{whose}{kind}_{_tag(operation_id)}"


def _tag(operation_id: str) -> str:
    return operation_id[-_TAG:].lower()


def archived_schema(manifest: Manifest) -> str:
    """Name the schema that a tenant's own tables lay in when they were backed up."""
    if manifest.home:
        return manifest.home.schema_name
    match manifest.isolation:
        case Isolation.SCHEMA:
            return manifest.tenant_id
        case _:
            return "public"
