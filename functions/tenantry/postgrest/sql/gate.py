"""What is looked at before anything else of a statement runs: a free place, and whether types are what they were."""

import json
from collections.abc import Mapping
from functools import lru_cache

from tenantry.postgrest.catalogue.model import Name
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.refusing import Refusal, refuse
from tenantry.postgrest.sql.values import Values

# Says, in the transaction, which of the database's advisory locks are the tenant's places. Set with every message.
SLOTS_SETTING = "tenantry.slots"
_SHARED = f"current_setting('{SLOTS_SETTING}')::int"
# What the session itself has to answer; asked by itself, it would cost more than a tenth of a small request.
_IS_ANOTHERS = (
    "pg_advisory_unlock_all() IS NULL OR current_setting('tenantry.tenant_id', true) IS DISTINCT FROM"
    " current_setting('app.tenant_id', true)"
)
# Types of PostgreSQL's own that are names of what the whole server holds, or its own affairs.
_HIDDEN = "^(reg.*|aclitem|pg_.*|xid8?|cid|tid|refcursor)$"


def gate_sql(values: Values, at_once: int, *, own_database: bool = False, prepared: bool = True) -> str:
    """Write the condition of the outermost SELECT; it is worked out once, and is true or raises a `Refusal`.

    A prepared statement keeps the types that its parameters had when it was prepared, and would go on reading texts as
    values of those. So each column that a text is compared with is compared itself: with a parameter, always NULL,
    whose type was inferred from that column. A function is the same as long as its oid and its name are.

    :param at_once: how many statements of the tenant's may run at the same time; 0 is any number.
    :param own_database: nobody else takes locks there.
    :param prepared: the statement is kept in a session of its own. If it is not, texts are always read as the values
        that columns have now; and the session is a pooler's, so it is looked whose database it is in, and whether
        anybody has left a lock there.
    """
    cases = [] if prepared else [f"WHEN {_IS_ANOTHERS} THEN {refuse(Refusal.ANOTHERS)} > 0"]
    if at_once:
        cases.append(_has_place(at_once, "0" if own_database else _SHARED))
    same = [_same_type(*column, values.bind(None)) for column in values.watched if prepared]
    same += [_is_vector(*column) for column in values.vectors]
    same += [_is_domain(*column, domain) for column, domain in values.domains.items()]
    same += [_same_defaults(table, versions, values) for table, versions in values.defaults.items()]
    same += [_same_routine(oid, name, values) for oid, name in values.routines.items()]
    same += [_known_as_it_is(oid) for oid in values.returned]
    if same:
        cases.append(f"WHEN NOT ({' AND '.join(same)}) THEN {refuse(Refusal.STALE)} > 0")
    cases += [f"WHEN {_is_hidden(cast)} THEN {refuse(Refusal.HIDDEN_TYPE)} > 0" for cast in values.foreign_casts]
    return f" WHERE (SELECT CASE {' '.join(cases)} ELSE true END)" if cases else ""


@lru_cache(maxsize=64)
def _has_place(at_once: int, key: str) -> str:
    places = " OR ".join([f"pg_try_advisory_xact_lock({key}, {number:d})" for number in range(1, at_once + 1)])
    return f"WHEN NOT ({places}) THEN {refuse(Refusal.BUSY)} > 0"


@lru_cache(maxsize=1024)
def _same_type(schema: str, table: str, column: str, witness: str) -> str:
    value = _column(schema, table, column)
    # It may be a computed field, whose function may refuse a row of nothing, or make something of it: so nothing is
    # worked out here. The CASE gives the parameter its type. What it makes of a domain is the domain's base.
    typed = f"CASE WHEN false THEN {value} ELSE {witness} END"
    return f"{typed} IS NULL AND pg_typeof({witness}) = pg_typeof(CASE WHEN false THEN {value} ELSE NULL END)"


def _is_vector(schema: str, table: str, column: str) -> str:
    return f"pg_typeof(CASE WHEN false THEN {_column(schema, table, column)} ELSE NULL END) = 'tsvector'::regtype"


@lru_cache(maxsize=1024)
def _is_domain(schema: str, table: str, column: str, domain: str) -> str:
    return f"pg_typeof({_column(schema, table, column)}) = '{domain.replace("'", "''")}'::regtype"


def _same_defaults(table: Name, versions: Mapping[str, str], values: Values) -> str:
    """Compare the versions of columns' defaults, which the catalogue's query writes in the same way."""
    known, relation = values.bind(json.dumps(versions)), values.bind(f"{quote(table.schema)}.{quote(table.name)}")
    return (
        f"NOT EXISTS (SELECT FROM json_each_text({known}::json) k(name, version) WHERE NOT EXISTS ("
        f"SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {relation}::regclass AND a.attname = k.name::name"
        " AND ROW(a.attidentity,"
        " (SELECT e.xmin FROM pg_catalog.pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum),"
        " (SELECT t.xmin FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid AND t.typbasetype <> 0)"
        ")::text = k.version))"
    )


def _column(schema: str, table: str, column: str) -> str:
    return f"(NULL::{quote(schema)}.{quote(table)}).{quote(column)}"


def _same_routine(oid: int, name: Name, values: Values) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
        f" WHERE p.oid = {oid:d} AND p.proname = {values.bind(name.name)}"
        f" AND n.nspname = {values.bind(name.schema)})"
    )


def _known_as_it_is(oid: int) -> str:
    """Name a relation, which is true, so that the statement is read anew once the relation is another.

    PostgreSQL keeps what it has read of a statement until a table in it changes, and what a function returns rows of is
    not in it. It would go on with columns that are gone, and take their bytes for those of types that they had: for a
    text's address a number, at which the server ends. Only a constant of this type counts as named; it needs no right.
    """
    return f"'{oid:d}'::pg_catalog.regclass IS NOT NULL"


def _is_hidden(cast: str) -> str:
    """Look at a cast's type, and at all that it is made of: bases, elements, bounds of ranges, columns of rows.

    No value of it is made, for a domain may have none that is null.
    """
    return (
        "EXISTS (WITH RECURSIVE part(oid) AS ("
        f"SELECT pg_typeof(CASE WHEN false THEN NULL::{cast} ELSE NULL END)::oid"
        " UNION SELECT more.oid FROM part JOIN pg_catalog.pg_type t ON t.oid = part.oid,"
        " LATERAL (SELECT t.typbasetype UNION ALL SELECT t.typelem"
        " UNION ALL SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = t.typrelid AND attnum > 0"
        " UNION ALL SELECT rngsubtype FROM pg_catalog.pg_range WHERE t.oid IN (rngtypid, rngmultitypid)) more(oid))"
        " SELECT FROM part JOIN pg_catalog.pg_type t ON t.oid = part.oid"
        f" WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typname ~ '{_HIDDEN}')"
    )
