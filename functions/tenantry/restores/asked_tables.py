"""Checks which single tables an operator asks for, against the backup that they are to come from."""

from typing import Any

from tenantry.domain.backup import Manifest
from tenantry.domain.content import Place, quoted
from tenantry.domain.errors import BadRequest
from tenantry.domain.restore import HOW_TO_NAME_TABLES, NO_TABLE, archived_schema, find_wanted
from tenantry.domain.tenant import Home, Isolation
from tenantry.restores.single_tables import STAGED

_NAMED = 20


def asked_tables(tables: tuple[str, ...], mode: str, manifest: Manifest, home: Home) -> dict[str, Any]:
    """Return the facts of a restore of single tables.

    :raises BadRequest: the backup has no such tables, or the home can't stage them.
    """
    if home.isolation is Isolation.POOLED and mode == STAGED:
        raise BadRequest(
            "In shared tables, nothing can lie beside what is there.",
            code="tables_shared",
            hint='Send {"mode": "replace"}, or restore the backup into a new tenant.',
        )
    known = {place for table in manifest.tables for place in ((table.schema_name, table.table), *table.partition_of)}
    known |= set(manifest.childless)
    unknown = {pattern for pattern in tables if find_wanted(known, pattern) is None}
    if unknown:
        details = f"{', '.join(sorted(unknown))}. {_there_are(known)}"
        raise BadRequest(NO_TABLE, code="table_unknown", details=details, hint=HOW_TO_NAME_TABLES)
    return {"wanted": list(tables), "mode": mode, "schema": archived_schema(manifest)}


def tables_elsewhere() -> BadRequest:
    """Make the error that refuses single tables anywhere but where their tenant lives."""
    return BadRequest(
        "Single tables can be restored where their tenant lives.",
        code="tables_elsewhere",
        hint="Restore the whole backup there.",
    )


def _there_are(known: set[Place]) -> str:
    """Name some of a backup's tables, as a call has to name them."""
    if not known:
        return "The backup has no tables."
    names = [f"{quoted(schema)}.{quoted(table)}" for schema, table in sorted(known)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"It has {', '.join(names[:_NAMED])}{more}."
