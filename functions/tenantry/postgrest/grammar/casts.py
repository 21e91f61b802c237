"""Type names behind `::`.

A type name cannot be bound as a value, so here words of the URL reach the SQL. They do so only as quoted
identifiers. SQL's own spellings are grammar, not names ("int" in quotes is no type), so they are translated
into the names of the catalogue first, qualified as PostgreSQL's own parser does it.
"""

import re

from tenantry.postgrest.names import quote
from tenantry.postgrest.refusals import stopped

_SPELLINGS = {
    "bigint": "int8",
    "bit varying": "varbit",
    "boolean": "bool",
    "char varying": "varchar",
    "character varying": "varchar",
    "dec": "numeric",
    "decimal": "numeric",
    "double precision": "float8",
    "float": "float8",
    "int": "int4",
    "integer": "int4",
    "real": "float4",
    "smallint": "int2",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
# These mean a length of 1 when none is given.
_ONE_LONG = {"bit": "bit", "char": "bpchar", "character": "bpchar"}

_parse = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*+(?: ++[A-Za-z_][A-Za-z0-9_]*+)*+) *+"
    r"(\( *+[0-9]{1,9} *+(?:, *+[0-9]{1,9} *+)?+\))?+ *+(\[\])?+"
).fullmatch


def read_type(text: str) -> str:
    """Turn a type name such as `int`, `numeric(10,2)` or `text[]` into SQL, or raise GrammarError."""
    parsed = _parse(text.strip(" "))
    if parsed is None:
        raise stopped("cast", text, 0, "the name of a type")
    words, modifier, brackets = parsed.groups("")
    name = " ".join(words.lower().split())
    if name in _ONE_LONG:
        return f'"pg_catalog".{quote(_ONE_LONG[name])}{modifier or "(1)"}{brackets}'
    if name in _SPELLINGS:
        return f'"pg_catalog".{quote(_SPELLINGS[name])}{modifier}{brackets}'
    if " " in name:
        raise stopped("cast", text, name.index(" "), "the end of the type's name")
    return f"{quote(name)}{modifier}{brackets}"
