"""Backups: their ids, where they lie, and the manifest without which an object is no backup."""

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from tenantry.domain.content import Sample
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Home, Isolation, TenantId
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
    """How many rows a table had in the dump's own snapshot, and the digest of them (`domain.content.TableContent`).

    Where `one_in` is more than 1, the digest is of that share of the rows, chosen by a hash of the columns in `key`.
    Format 1 has no digests.
    """

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)
    digest: str | None = None
    one_in: int = Field(default=1, ge=1)
    key: list[str] = Field(default_factory=list)


class DumpObject(_Frozen):
    """The object that holds the dump. Sizes in bytes; `sha256` is of the stored (compressed) stream, in hex."""

    key: str
    version_id: str | None
    stored_bytes: int = Field(ge=0)
    dump_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    pg_dump_version: str
    # In how many parts it went up, and the size of each but the last; nothing: format 1.
    parts: int | None = None
    part_bytes: int | None = None


class DatabaseFacts(_Frozen):
    """The database as it was dumped; size in bytes. What sorts and compares its text is not known of format 1.

    `locale_provider` is libc, icu or builtin; `locale` is that of the last two. `version` is PostgreSQL's own number.
    """

    name: str
    server_version: str
    size_bytes: int = Field(ge=0)
    encoding: str
    version: int | None = None
    collation: str | None = None
    character_type: str | None = None
    locale_provider: str | None = None
    locale: str | None = None


class HomeFacts(_Frozen):
    """Where the tenant lived, and what the registry said of it: enough to make the tenant anew when that is lost."""

    server_id: str
    isolation: Isolation
    database: str
    schema_name: str = Field(alias="schema")
    # The only region that its data may lie in; empty: any.
    region: str = ""
    connections: int
    statement_timeout_ms: int
    plan: str

    @property
    def home(self) -> Home:
        """The place itself."""
        return Home(self.server_id, self.isolation, self.database, self.schema_name)


class SettingFacts(_Frozen):
    """A setting of the database (`role` is empty), of a role, or of a role in this database alone."""

    role: str = ""
    in_database: bool
    name: str
    value: str


class ExtensionFacts(_Frozen):
    """An extension of the database, which a dump names without its version."""

    name: str
    version: str
    schema_name: str = Field(alias="schema")


class RoleFacts(_Frozen):
    """One of the tenant's roles, without its password."""

    name: str
    login: bool
    inherits: bool
    connection_limit: int
    member_of: list[str]


class GrantFacts(_Frozen):
    """A right to the database itself; of what is in it, the dump knows. `grantee` is empty for everybody."""

    grantee: str
    privilege: str
    grantable: bool


class RightsFacts(_Frozen):
    """Rights that several things have alike, in the words of `domain.rights`, which do not name the tenant.

    An entry is a grantee, a privilege, whether it may be given away, and the grantor; a thing its kind, its schema, its
    names and its arguments.
    """

    owner: str
    granted: list[tuple[str, str, bool, str]]
    revoked: list[tuple[str, str, bool, str]]
    things: list[tuple[str, str | None, list[str], list[str]]]


class LargeObjects(_Frozen):
    """How many large objects there were, and the digest of what is in them."""

    count: int = Field(ge=0)
    digest: str


class Manifest(_Frozen):
    """What a backup is. Times are UTC; the restore compares what it brought back with `tables`.

    Format 1 has nothing of what is optional here.
    """

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
    home: HomeFacts | None = None
    # The revision that the tables were at; empty: not ours, or not to be seen.
    schema_revision: str | None = None
    settings: list[SettingFacts] = Field(default_factory=list)
    extensions: list[ExtensionFacts] = Field(default_factory=list)
    roles: list[RoleFacts] = Field(default_factory=list)
    grants: list[GrantFacts] = Field(default_factory=list)
    # The state of each sequence, by the names of `domain.content.Content`: last value, and whether that was given out.
    # Not to be compared: a sequence obeys no snapshot, so the dump may have read a later one.
    sequences: dict[str, str] = Field(default_factory=dict)
    large_objects: LargeObjects | None = None
    # Who might do what with everything that had other rights than it was born with. None: not written down, so a
    # restore takes what the dump says.
    rights: list[RightsFacts] | None = None

    @property
    def samples(self) -> dict[tuple[str, str], Sample]:
        """Say of which tables the digest is of a share of the rows, by schema and name: `ContentReader` takes it so."""
        return {(t.schema_name, t.table): Sample(t.one_in, tuple(t.key)) for t in self.tables if t.one_in > 1}


class VerifiedTable(_Frozen):
    """A table as a drill brought it back; `matches` says whether rows and content are what the manifest has."""

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)
    matches: bool


class Verification(_Frozen):
    """What a drill found: the backup was restored and compared. Seconds and bytes are of the restore; times are UTC."""

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
