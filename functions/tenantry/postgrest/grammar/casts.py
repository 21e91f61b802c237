"""Type names behind `::`.

A type name cannot be bound as a value, so here words of the URL reach the SQL. They do so only as quoted
identifiers. SQL's own spellings are grammar, not names ("int" in quotes is no type), so they are translated
into the names of the catalogue first, qualified as PostgreSQL's own parser does it.
"""

import re

from tenantry.domain.errors import GrammarError
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

# Types of values that PostgreSQL has itself.
_is_own = re.compile(
    "bool|bytea|name|int[248]|text|jsonb?|xml|point|lseg|path|box|polygon|line|float[48]|circle|money|macaddr8?|inet|cidr"
    "|bpchar|varchar|date|time|timestamp|timestamptz|interval|timetz|bit|varbit|numeric|tsvector|tsquery|uuid|jsonpath"
    "|(?:int4|int8|num|ts|tstz|date)(?:multi)?range"
).fullmatch
# Those that name what a server holds, or are its own affair.
_is_hidden = re.compile(
    "reg(?:class|collation|config|database|dictionary|namespace|oper|operator|proc|procedure|role|type)|pg_.*|oid|oidvector|int2vector|aclitem|xid8?|cid|tid|refcursor|gtsvector|txid_snapshot|record|cstring|unknown"
    "|any.*|internal|opaque|void|trigger|event_trigger|.*_handler"
).fullmatch
# Filled up to, and of an element of an array.
_MAX_LENGTH, _MAX_ELEMENT = 1_000, 50

_padded = re.compile(r'(?:"pg_catalog"\.)?"(?:bpchar|bit|numeric)"\( *+([0-9, ]++)\).*').fullmatch
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
    _check_modifier(text, _ONE_LONG.get(name) or _SPELLINGS.get(name, name), modifier, brackets)
    if name in _ONE_LONG:
        return f'"pg_catalog".{quote(_ONE_LONG[name])}{modifier or "(1)"}{brackets}'
    if name in _SPELLINGS:
        return f'"pg_catalog".{quote(_SPELLINGS[name])}{modifier}{brackets}'
    if " " in name:
        raise stopped("cast", text, name.index(" "), "the end of the type's name")
    if _is_own(name):
        return f'"pg_catalog".{quote(name)}{modifier}{brackets}'
    if _is_hidden(name):
        raise GrammarError(
            f"values cannot be cast to {name[:63]}",
            hint="Only to types of values: PostgreSQL's own for numbers, text, times, JSON…, and the database's own.",
        )
    return f"{quote(name)}{modifier}{brackets}"


def is_foreign(cast: str) -> bool:
    """Tell whether a type, as `read_type` wrote it, is not PostgreSQL's own: it may stand for one that is hidden."""
    return not cast.startswith('"pg_catalog".')


def padding_of(cast: str) -> int:
    """Give the length to which a cast fills up each value; 0 is none."""
    found = _padded(cast)
    return max(map(int, found[1].split(","))) if found else 0


def _check_modifier(text: str, name: str, modifier: str, brackets: str) -> None:
    """Refuse to make much of little, most of all in arrays; a longer varchar only cuts off less."""
    if not modifier or name in ("varchar", "varbit"):
        return
    most = _MAX_ELEMENT if brackets else _MAX_LENGTH
    if max(int(number) for number in modifier.strip("() ").split(",")) > most:
        raise GrammarError(f"a type's length is more than {most}: {text[:100]}", hint="Use text, or varchar.")
