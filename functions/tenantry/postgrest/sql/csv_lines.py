"""Writes rows as CSV, as RFC 4180 has it: values as PostgreSQL writes them, in quotes where they need some.

NULL is an empty field, an empty text is two quotes. The word NULL is in quotes, for without them it stands for NULL in
a body; and in an answer where it is the only field of its row, for an empty line is no row to whoever reads it. What
has a comma, a quote or the end of a line in it is in quotes, and nothing else is.
"""

from tenantry.postgrest.sql.gathering import Bound, gathered_lines

_SHOWN = '"_shown"'
_ROWS = '"_rows"'
_KEY = '"_key"'
_FIELD = '"_field"'
# As `row::text` has it, a record is nearly that: it has parentheses around it, doubles each backslash, and puts more in
# quotes than has to be. A quote within a field is doubled, so what stands between two single ones is one field, or the
# comma between two.
_NEEDLESS = r"""'(^|,)"([^",\r\n]+)"(?=,|$)'"""
_FIELDS = """',("(?:[^"]|"")*"|[^",]*)'"""
_NEEDS_QUOTES = r"""'[",\r\n]'"""


def csv_body(rows: str, bound: Bound) -> tuple[str, str, str]:
    """Write the body of a CSV: what comes before the statement, the aggregate, and what it reads from.

    The first line has the names; without rows it is empty. A CSV reads its rows twice.
    """
    first = f'(SELECT row_to_json("_first".*) FROM {_SHOWN} "_first" LIMIT 1)'
    name = f"CASE WHEN {_KEY} ~ {_NEEDS_QUOTES} THEN '\"' || replace({_KEY}, '\"', '\"\"') || '\"' ELSE {_KEY} END"
    header = f"(SELECT coalesce(string_agg({name}, ','), '') FROM json_object_keys({first}) {_KEY})"
    line = f'SELECT {_line("_record")} AS "_line" FROM ({_records(bound)}) {_ROWS}'
    lines, origin = gathered_lines(line, _ROWS, bound)
    return f"{_SHOWN} AS ({rows})", f"{header} || E'\\n' || {lines}", origin


def _records(bound: Bound) -> str:
    """Write each row as a record, without its parentheses and with needful quotes only; OFFSET 0: only once.

    What is too long for an answer is left as it is, for it is refused, and matching it would take many times its size.
    """
    text = f'SELECT ({_ROWS}.*)::text AS "_text" FROM {_SHOWN} {_ROWS} OFFSET 0'
    inner = 'substring("_text", 2, length("_text") - 2)'
    plain = rf"regexp_replace(replace({inner}, '\\', '\'), {_NEEDLESS}, '\1\2', 'g')"
    record = (
        f'CASE WHEN octet_length("_text") > {bound.max_bytes:d} THEN "_text"'
        f' WHEN strpos("_text", \'"\') > 0 THEN {plain} ELSE {inner} END'
    )
    return f'SELECT {record} AS "_record" FROM ({text}) {_ROWS} OFFSET 0'


def _line(record: str) -> str:
    """Put the word NULL in quotes where it is a whole field, and in the place of a row without a character."""
    field = f"{_FIELD}.found[1]"
    quoted = f"string_agg(CASE {field} WHEN 'NULL' THEN '\"NULL\"' ELSE {field} END, ',' ORDER BY {_FIELD}.place)"
    fields = f"regexp_matches(',' || \"{record}\", {_FIELDS}, 'g') WITH ORDINALITY AS {_FIELD}(found, place)"
    return (
        f"CASE WHEN strpos(\"{record}\", 'NULL') > 0 THEN (SELECT {quoted} FROM {fields})"
        f" WHEN \"{record}\" = '' THEN 'NULL' ELSE \"{record}\" END"
    )
