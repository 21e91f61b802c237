"""Restores: an operation's work, and the names of databases and schemas that exist only for a restore."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.content import ContentTable, Place, quoted
from tenantry.domain.errors import BadRequest, NotFound
from tenantry.domain.home import home_of_facts
from tenantry.domain.surroundings import Inherited, Surroundings, cast_of
from tenantry.domain.tenant import Home, Isolation, TenantId

RESTORE, UNDO_RESTORE, ABANDON_RESTORE, RESTORE_TABLES = (
    "restore_tenant",
    "undo_restore",
    "abandon_restore",
    "restore_tables",
)

NO_TABLE = "The backup has no such table."
HOW_TO_NAME_TABLES = (
    "Name tables as schema.table, as the backup's manifest has them. Views, materialized views and foreign tables have "
    "no rows of their own in a backup."
)

_TAG = 10
_STAGING, _DRILL, _KEPT = "_restore_", "_drill_", "_before_"
_RESTORED, _REPLACED = "restored", "replaced"
# What is scratch, by its whole name: a hand-made `crm_restore_2024` is not.
_SCRATCH = re.compile(rf"([a-z0-9-]+)(?:{_STAGING}|{_DRILL})[0-9a-z]{{{_TAG}}}")
# What a restore, a drill or an undo may make, and drop.
_MADE_FOR_A_WHILE = re.compile(rf"[a-z0-9-]+(?:{_STAGING}|{_DRILL}|{_KEPT})[0-9a-z]{{{_TAG}}}")
_DETACHED = re.compile(rf"([a-z0-9-]+)_(?:{_RESTORED}|{_REPLACED})_[0-9a-z]{{{_TAG}}}")


def surroundings_of(manifest: Manifest) -> Surroundings:
    """Say what there was that the archive has not."""
    # An earlier field has that of a database.
    comment = manifest.database.comment or manifest.comment
    inherited = tuple(Inherited(**facts.model_dump(by_alias=True)) for facts in manifest.inherited)
    return Surroundings(comment, tuple(cast_of(cast.model_dump()) for cast in manifest.casts), inherited)


def staging_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name the staging database or schema of a restore. No other tenant has such a name: ids contain no `_`."""
    return f"{tenant_id}{_STAGING}{_tag(operation_id)}"


def drill_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name the scratch database of a drill, which drops it at its end."""
    return f"{tenant_id}{_DRILL}{_tag(operation_id)}"


def kept_name(tenant_id: TenantId, operation_id: str) -> str:
    """Name the detached database or schema with the former data, kept for an undo."""
    return f"{tenant_id}{_KEPT}{_tag(operation_id)}"


def restored_schema(tenant_id: TenantId, home: Home, operation_id: str) -> str:
    """Name the detached schema into which single tables are restored."""
    return _detached(tenant_id, home, _RESTORED, operation_id)


def replaced_schema(tenant_id: TenantId, home: Home, operation_id: str) -> str:
    """Name the detached schema that keeps the former rows of replaced tables."""
    return _detached(tenant_id, home, _REPLACED, operation_id)


def detached_owner(schema: str) -> str:
    """Return the tenant id of a detached schema in a shared database; empty if the schema is not a detached one."""
    found = _DETACHED.fullmatch(schema)
    return found[1] if found else ""


class WantedTable(NamedTuple):
    """A table that a restore is asked for, a partitioned one with all its partitions; an empty `name`: a schema's."""

    schema: str
    name: str = ""

    def takes(self, place: Place, roots: Iterable[Place]) -> bool:
        """Whether a table is meant, or one of the partitioned tables that it is a partition of."""
        return any(schema == self.schema and self.name in (name, "") for schema, name in (place, *roots))


def find_wanted(places: Iterable[Place], pattern: str) -> WantedTable | None:
    """Find the table named by `schema.table`, or the schema by `schema.*`; None: there is no such table.

    Both names may stand in double quotes, as in SQL: without them `a.b.c` may be the table `c` of the schema `a.b` and
    the table `b.c` of the schema `a`.

    :param places: the schemas and names of all tables, partitioned ones too.
    :raises BadRequest: it is the name of several (`table_ambiguous`).
    """
    schemas, tables = set(), set()
    for schema, name in places:
        # Most of many tables need no closer look.
        if not pattern.startswith((schema, '"')) or not pattern.endswith((name, '"', "*")):
            continue
        spellings = {schema, quoted(schema)}
        if pattern in {f"{spelt}.*" for spelt in spellings}:
            schemas.add(WantedTable(schema))
        elif pattern in {f"{one}.{other}" for one in spellings for other in (name, quoted(name))}:
            tables.add(WantedTable(schema, name))
    found = schemas | tables
    if len(found) > 1:
        found = {one for one in found if pattern == f"{quoted(one.schema)}.{quoted(one.name) if one.name else '*'}"}
        if len(found) != 1:
            raise BadRequest(
                "Several tables of the backup have this name.",
                code="table_ambiguous",
                details=pattern,
                hint='Put each of the two names in double quotes, as in SQL: "schema"."table".',
            )
    return next(iter(found), None)


def find_all_wanted(
    tables: Iterable[ContentTable], patterns: Iterable[str], childless: Iterable[Place] = ()
) -> list[WantedTable]:
    """Find what is named by `schema.table` and `schema.*` among these tables, and those that they are partitions of.

    :param childless: partitioned tables that none of them is a partition of.
    :raises NotFound: there is no such table.
    :raises BadRequest: a name is that of several tables.
    """
    places = {place for table in tables for place in (table.place, *table.roots)} | set(childless)
    found = []
    for pattern in patterns:
        wanted = find_wanted(places, pattern)
        if wanted is None:
            raise NotFound(NO_TABLE, code="table_unknown", details=pattern, hint=HOW_TO_NAME_TABLES)
        found.append(wanted)
    return found


def wanted_tables(tables: Mapping[str, ContentTable], patterns: Iterable[str]) -> list[str]:
    """Find tables by name, as `find_all_wanted` does; returns keys of `tables`.

    :raises NotFound: there is no such table.
    :raises BadRequest: a name is that of several tables.
    """
    wanted = find_all_wanted(tables.values(), patterns)
    return [key for key, table in tables.items() if any(one.takes(table.place, table.roots) for one in wanted)]


def is_scratch(tenant_id: TenantId, name: str) -> bool:
    """Whether a database of this name is scratch: of use only while a restore or drill of this tenant is under way.

    A name is not a proof: whoever drops it makes sure that nobody lives in it.
    """
    found = _SCRATCH.fullmatch(name)
    return bool(found and found[1] == tenant_id.value)


def is_made_for_a_while(name: str) -> bool:
    """Whether a database of this name may be one that a restore, a drill or an undo makes, of whatever tenant."""
    return _MADE_FOR_A_WHILE.fullmatch(name) is not None


def is_kept(tenant_id: TenantId, home: Home | None) -> bool:
    """Whether a home is one that a restore detached, on the same server."""
    prefix = f"{tenant_id}{_KEPT}"
    return home is not None and (home.database.startswith(prefix) or home.schema.startswith(prefix))


def kept_home(tenant_id: TenantId, home: Home, operation_id: str) -> Home:
    """Return the home in which a restore keeps the former data; former rows of shared tables get their own database."""
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
    """The work of one restore: the backup, the tenant, and the home to restore to."""

    operation_id: str
    tenant_id: TenantId
    # The id in the backup's key: another tenant's id, or one that the tenant had before a rename.
    archived: TenantId
    backup_id: BackupId
    home: Home
    keep_rights: bool

    @property
    def staging(self) -> str:
        """The name of the staging database or schema."""
        return staging_name(self.tenant_id, self.operation_id)

    @property
    def kept(self) -> Home:
        """The home that keeps the former data."""
        return kept_home(self.tenant_id, self.home, self.operation_id)

    def to_facts(self) -> dict[str, Any]:
        """Return the work as JSON values, without the operation's own id and tenant."""
        return {
            "archived": self.archived.value,
            "backup_id": self.backup_id.value,
            "home": asdict(self.home),
            "keep_rights": self.keep_rights,
        }


def work_of(operation_id: str, tenant_id: TenantId, facts: dict[str, Any]) -> RestoreWork:
    """Read a restore's work from an operation's facts."""
    return RestoreWork(
        operation_id,
        tenant_id,
        TenantId(facts["archived"]),
        BackupId(facts["backup_id"]),
        home_of_facts(facts["home"]),
        facts["keep_rights"],
    )


def _detached(tenant_id: TenantId, home: Home, kind: str, operation_id: str) -> str:
    # In a shared database, the schema's name has to start with the tenant's id.
    whose = "" if home.isolation is Isolation.DATABASE else f"{tenant_id}_"
    return f"{whose}{kind}_{_tag(operation_id)}"


def _tag(operation_id: str) -> str:
    return operation_id[-_TAG:].lower()


def archived_schema(manifest: Manifest) -> str:
    """Name the schema of the tenant's own tables at the time of the backup."""
    if manifest.home:
        return manifest.home.schema_name
    match manifest.isolation:
        case Isolation.SCHEMA:
            return manifest.tenant_id
        case _:
            return "public"
