"""Errors about names that the catalogue does not have, with hints at what the caller probably meant."""

from collections.abc import Iterable, Sequence

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.likeness import CLOSE, LOOSE, most_alike
from tenantry.postgrest.catalogue.model import Catalogue, Name, Relationship, Routine, Table
from tenantry.postgrest.grammar.syntax import Embed

# What a catalogue that is older than the database may be wrong about.
MISSING = frozenset({"PGRST107", "PGRST200", "PGRST202", "PGRST204", "PGRST205", "42703"})
_OF_NO_TABLE = "These rows are of no table or view. A function that RETURNS SETOF one embeds what its keys lead to."
# Above so many names nobody is helped by the search, and everybody pays for it.
_MAX_NAMES = 500
# Of PostgreSQL's own hints: how many letters may differ; and no name is longer.
_FARTHEST, _LONGEST = 3, 63


def _closest(word: str, names: Iterable[str], least: float) -> str | None:
    candidates = set(names)
    return most_alike(word, candidates, least) if len(candidates) <= _MAX_NAMES else None


def no_table(catalogue: Catalogue, wanted: Name) -> RequestRefused:
    """Build the refusal for an unknown table, with the closest known name as a hint."""
    near = _closest(wanted.name, (name.name for name in catalogue.tables if name.schema == wanted.schema), CLOSE)
    return RequestRefused(
        f"Could not find the table '{wanted.schema}.{wanted.name}' in the schema cache",
        code="PGRST205",
        hint=f"Perhaps you meant the table '{wanted.schema}.{near}'" if near else None,
    )


def no_column(table: Table, column: str) -> RequestRefused:
    """Build the refusal for a name that is not a column of the table."""
    return RequestRefused(
        f"Could not find the '{column}' column of '{table.name.name}' in the schema cache", code="PGRST204"
    )


def _distance(word: str, other: str) -> int:
    """Count the letters that have to be changed, as PostgreSQL does for its hints."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(word, 1):
        above, row = row, [number]
        for place, its in enumerate(other, 1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != its)))
    return row[-1]


def unknown_field(table: Table, alias: str, name: str) -> RequestRefused:
    """Say, as PostgreSQL does, that what is read is no column of the table whose rows are called `alias`."""
    near = _closest(name[:_LONGEST], table.columns, LOOSE)
    near = near if near and len(name) <= _LONGEST and _distance(name, near) <= min(_FARTHEST, len(name) // 2) else None
    return RequestRefused(
        f"column {alias}.{name[:100]} does not exist",
        code="42703",
        hint=f'Perhaps you meant to reference the column "{alias}.{near}".' if near else None,
    )


def no_relationship(catalogue: Catalogue, origin: Name | None, embed: Embed, called: Name) -> RequestRefused:
    """Build the refusal for an embed to which no relationship leads from the origin, by what its rows are called."""
    schema = called.schema
    hinted = f"' using the hint '{embed.hint}" if embed.hint else ""
    return RequestRefused(
        f"Could not find a relationship between '{called.name}' and '{embed.name}' in the schema cache",
        code="PGRST200",
        details=f"Searched for a foreign key relationship between '{called.name}' and '{embed.name}{hinted}'"
        f" in the schema '{schema}', but no matches were found.",
        hint=_relationship_hint(catalogue, origin, embed) if origin else _OF_NO_TABLE,
    )


def _relationship_hint(catalogue: Catalogue, origin: Name, embed: Embed) -> str | None:
    known = catalogue.relationships.get(origin)
    if known is None:
        origins = (name.name for name in catalogue.relationships if name.schema == origin.schema)
        meant, wrong = _closest(origin.name, origins, LOOSE), origin.name
    else:
        targets = [relationship.target.name for relationship in known]
        meant, wrong = None if embed.name in targets else _closest(embed.name, targets, LOOSE), embed.name
    return f"Perhaps you meant '{meant}' instead of '{wrong}'." if meant else None


def ambiguous_relationship(origin: Name, embed: Embed, found: Sequence[Relationship]) -> RequestRefused:
    """Build the refusal for an embed that several relationships fit; it lists them and how to choose one."""
    choices = ", ".join(f"'{each.target.name}!{_told_by(each)}'" for each in found)
    return RequestRefused(
        f"Could not embed because more than one relationship was found for '{origin.name}' and '{embed.name}'",
        code="PGRST201",
        details=[_description(each) for each in found],
        hint=f"Try changing '{embed.name}' to one of the following: {choices}."
        " Find the desired relationship in the 'details' key.",
    )


def _told_by(relationship: Relationship) -> str:
    return relationship.junction.table.name if relationship.junction else relationship.constraint


def _description(each: Relationship) -> dict[str, str]:
    if each.junction:
        way = each.junction
        first = f"{way.origin_constraint}({', '.join(column for _, column in way.origin_columns)})"
        second = f"{way.target_constraint}({', '.join(column for _, column in way.target_columns)})"
        relationship = f"{way.table.name} using {first} and {second}"
    else:
        near = f"{each.origin.name}({', '.join(column for column, _ in each.columns)})"
        far = f"{each.target.name}({', '.join(column for _, column in each.columns)})"
        relationship = f"{each.constraint} using {near} and {far}"
    return {
        "cardinality": str(each.cardinality),
        "embedding": f"{each.origin.name} with {each.target.name}",
        "relationship": relationship,
    }


def no_routine(
    catalogue: Catalogue, wanted: Name, keys: Sequence[str], raw: str | None, posts_json: bool
) -> RequestRefused:
    """Build the refusal for arguments that no function takes; `raw` is the type of an unnamed argument."""
    name = f"{wanted.schema}.{wanted.name}"
    listed = ", ".join(keys)
    if raw:
        told, searched = name, f"{name} with a single unnamed {raw} parameter"
    else:
        told = f"{name}({listed})" if keys else f"{name} without parameters"
        plural = "s" if len(keys) > 1 else ""
        searched = f"{name} with parameter{plural} {listed}" if keys else told
        searched += " or with a single unnamed json/jsonb parameter" if posts_json else ""
    return RequestRefused(
        f"Could not find the function {told} in the schema cache",
        code="PGRST202",
        details=f"Searched for the function {searched}, but no matches were found in the schema cache.",
        hint=None if raw else _routine_hint(catalogue, wanted, keys),
    )


def _routine_hint(catalogue: Catalogue, wanted: Name, keys: Sequence[str]) -> str | None:
    overloads = catalogue.routines.get(wanted)
    if overloads:
        signatures = [_signature(sorted(parameter.name for parameter in each.parameters)) for each in overloads]
        meant = _closest(_signature(sorted(keys)), signatures, LOOSE)
        near = f"{wanted.name}{meant}" if meant else None
    else:
        near = _closest(wanted.name, (name.name for name in catalogue.routines if name.schema == wanted.schema), CLOSE)
    return f"Perhaps you meant to call the function {wanted.schema}.{near}" if near else None


def _signature(names: Sequence[str]) -> str:
    return f"({', '.join(names)})"


def ambiguous_routine(found: Sequence[Routine]) -> RequestRefused:
    """Build the refusal for arguments that more than one function takes."""
    listed = []
    for each in found:
        parameters = ", ".join(f"{parameter.name} => {parameter.type}" for parameter in each.parameters)
        listed.append(f"{each.name.schema}.{each.name.name}({parameters})")
    return RequestRefused(
        f"Could not choose the best candidate function between: {', '.join(listed)}",
        code="PGRST203",
        hint="Try renaming the parameters or the function itself in the database so function overloading can be"
        " resolved",
    )
