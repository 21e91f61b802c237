"""Backups: their ids, where they lie, and the manifest without which an object is no backup."""

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.domain.ulid import ALPHABET, new_ulid

_BACKUP_ID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


@dataclass(frozen=True, slots=True, order=True)
class BackupId:
    """A ULID: 26 characters that sort by the time of the backup (github.com/ulid/spec)."""

    value: str

    def __post_init__(self) -> None:
        if not _BACKUP_ID.fullmatch(self.value):
            raise BadRequest("That is no backup id.", code="invalid_backup_id", hint="A backup id is a ULID.")

    def __str__(self) -> str:
        return self.value


def new_backup_id(at: datetime, seed: str | None = None) -> BackupId:
    """Make an id for a backup that begins `at`; the same `seed` makes the same id again."""
    return BackupId(new_ulid(at, seed))


def backup_prefix(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return where a backup's objects lie, with a slash at its end."""
    return f"tenants/{tenant_id.value}/backups/{backup_id.value}/"


def dump_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's dump: `pg_dump -Fc -Z0`, compressed with zstd."""
    return f"{backup_prefix(tenant_id, backup_id)}dump.zst"


def verification_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's verification, which a drill writes once."""
    return f"{backup_prefix(tenant_id, backup_id)}verified.json"


def manifest_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's manifest, which is written last."""
    return f"{backup_prefix(tenant_id, backup_id)}manifest.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableRows(_Frozen):
    """How many rows a table had in the dump's own snapshot."""

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)


class DumpObject(_Frozen):
    """The object that holds the dump. Sizes in bytes; `sha256` is of the stored (compressed) stream, in hex."""

    key: str
    version_id: str | None
    stored_bytes: int = Field(ge=0)
    dump_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    pg_dump_version: str


class DatabaseFacts(_Frozen):
    """The database as it was dumped; size in bytes."""

    name: str
    server_version: str
    size_bytes: int = Field(ge=0)
    encoding: str


class Manifest(_Frozen):
    """What a backup is. Times are UTC; the restore compares what it brought back with `tables`."""

    format: int = 1
    tenant_id: str
    backup_id: str
    stage: str
    trigger: str
    isolation: Isolation
    started_at: datetime
    finished_at: datetime
    database: DatabaseFacts
    dump: DumpObject
    tables: list[TableRows]


class VerifiedTable(_Frozen):
    """A table as a drill brought it back; `matches` says whether rows and content are what the manifest has."""

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)
    matches: bool


class Verification(_Frozen):
    """What a drill found: this backup was restored and compared. Seconds and bytes are of the restore; times are UTC."""

    backup_id: str
    tenant_id: str
    drilled_at: datetime
    seconds: float = Field(ge=0)
    restored_bytes: int = Field(ge=0)
    tables: list[VerifiedTable]
    digest_matches: bool
    server_id: str
    server_version: str
    operation_id: str

    @property
    def passed(self) -> bool:
        """Whether everything came back as it was."""
        return self.digest_matches and all(table.matches for table in self.tables)
