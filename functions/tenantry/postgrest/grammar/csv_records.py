"""Reads CSV as RFC 4180 has it: a quote stands at both ends of a field and is doubled within it, or stands nowhere."""

import re

from tenantry.domain.errors import GrammarError

# All quantifiers are possessive, so what is no CSV costs linear time.
_field = re.compile(r'"((?:[^"]++|"")*+)"|([^",\r\n]*+)').match
# RFC 4180 ends a record with both; that one is enough is what spreadsheets write on other systems.
_end = re.compile(r",|\r\n|\n|\r|\Z").match


NULL = "NULL"


def read_records(text: str) -> list[list[str | None]]:
    """Split a text into records of fields; empty lines are none, and the word NULL is None unless it is in quotes.

    :raises GrammarError: with PGRST102, a quote is missing, or stands where it may not.
    """
    records: list[list[str | None]] = []
    record: list[str | None] = []
    position, length = 0, len(text)
    while position < length or record:
        field = _field(text, position)
        end = _end(text, field.end()) if field else None
        if field is None or end is None:
            raise _malformed(len(records) + 1)
        is_empty_line = not record and field.end() == position and end[0] != ","
        record.append(_value(field))
        position = end.end()
        if end[0] != ",":
            if not is_empty_line:
                records.append(record)
            record = []
    return records


def _value(field: re.Match[str]) -> str | None:
    quoted, plain = field.groups()
    if quoted is not None:
        return str(quoted).replace('""', '"')
    return None if plain == NULL else plain


def _malformed(record: int) -> GrammarError:
    return GrammarError(
        "The CSV can't be read: a quote stands where it may not, or is missing",
        code="PGRST102",
        details=f"In record {record}.",
        hint='Put a field with quotes, commas or line ends in quotes, and double each quote within: "say ""a, b""".',
    )
