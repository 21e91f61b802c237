"""Writes calls of functions: with named arguments, one unnamed argument, or none."""

from tenantry.postgrest.catalogue.model import Parameter, Routine
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.own_bodies import VALUE
from tenantry.postgrest.sql.representing import qualified
from tenantry.postgrest.sql.values import Values


def _call_sql(routine: Routine, arguments: str) -> str:
    """Write the statement that returns a call's rows; a plain value is in the column `VALUE`."""
    function = f"{qualified(routine.name)}({arguments})"
    if routine.composite:
        return f'SELECT "_call".* FROM {function} "_call"'
    return f'SELECT "_call".{VALUE} FROM (SELECT {function} AS {VALUE}) "_call"'


def call_without(routine: Routine, _values: Values) -> str:
    """Write a call without arguments, which has no values."""
    return _call_sql(routine, "")


def call_by_values(routine: Routine, values: Values, *, given: list[tuple[str, str]]) -> str:
    """Write a call with the text arguments of a URL or a form; if one is given twice, the last counts."""
    arguments = []
    for parameter in routine.parameters:
        texts = [text for name, text in given if name == parameter.name]
        if texts:
            value = _array(texts) if parameter.variadic else texts[-1]
            arguments.append(_named(parameter, f"{values.bind(value)}::{parameter.type}"))
    return _call_sql(routine, ", ".join(arguments))


def _array(texts: list[str]) -> str:
    """Write a PostgreSQL array literal with each text as one element."""
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in escaped) + "}"


def _named(parameter: Parameter, value: str) -> str:
    variadic = "VARIADIC " if parameter.variadic else ""
    return f"{variadic}{quote(parameter.name)} := {value}"


def call_by_object(routine: Routine, values: Values, *, keys: tuple[str, ...], text: str, is_object: bool) -> str:
    """Write a call whose arguments are the members of a JSON object, converted to the types of the parameters."""
    used = [parameter for parameter in routine.parameters if parameter.name in keys]
    if not used:
        return _call_sql(routine, "")
    columns = ", ".join(f"{quote(parameter.name)} {parameter.type}" for parameter in used)
    reader = "json_to_record" if is_object else "json_to_recordset"
    first = "" if is_object else " LIMIT 1"
    body = f'(SELECT * FROM {reader}({values.bind(text)}::json) AS "_json"({columns}){first}) "_arguments"'
    arguments = ", ".join(_named(parameter, f'"_arguments".{quote(parameter.name)}') for parameter in used)
    function = f"{qualified(routine.name)}({arguments})"
    if routine.composite:
        return f'SELECT "_call".* FROM {body}, LATERAL {function} "_call"'
    return f'SELECT "_call".{VALUE} FROM {body}, LATERAL (SELECT {function} AS {VALUE}) "_call"'


def call_by_body(routine: Routine, values: Values, *, text: str) -> str:
    """Write a call of a function that takes the whole body as its one argument; of bytes, `text` has the digits."""
    return _call_sql(routine, f"{values.bind(text)}::{routine.parameters[0].type}")
