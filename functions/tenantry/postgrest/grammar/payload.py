"""The body of a write or a call: finds its keys, and keeps it as the JSON that PostgreSQL will parse."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from tenantry.domain.errors import GrammarError, PayloadTooLarge
from tenantry.postgrest.grammar.csv_records import NULL, read_records
from tenantry.postgrest.names import check_value
from tenantry.postgrest.refusals import beyond
from tenantry.postgrest.request import RequestLimits

_JSON = "application/json"
_CSV = "text/csv"
_FORM = "application/x-www-form-urlencoded"
_BYTE_ORDER_MARK = "\ufeff"
# Media types that a function with one unnamed parameter takes unchanged, and the parameter's type for each.
RAW = {"text/plain": "text", "text/xml": "xml", "application/octet-stream": "bytea"}


@dataclass(frozen=True, slots=True)
class Payload:
    """`text` is the JSON as it was sent; `columns` are sorted, so bodies with the same keys compare equal.

    `is_object`: the body is one object, not an array of `rows` objects. `lacking` are the columns that some row has no
    key for, `absent` those that none has.
    """

    text: str
    columns: tuple[str, ...]
    rows: int
    is_object: bool
    lacking: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    @property
    def as_array(self) -> str:
        """The JSON as an array of objects."""
        return f"[{self.text}]" if self.is_object else self.text

    def without(self, columns: Collection[str]) -> "Payload":
        """Return the same without these columns."""
        if not columns:
            return self
        kept = tuple(column for column in self.columns if column not in columns)
        return replace(
            self, columns=kept, lacking=self.lacking.difference(columns), absent=self.absent.difference(columns)
        )


def is_json(kind: str) -> bool:
    """Whether a body of this media type is JSON as it was sent."""
    return kind in (_JSON, "*/*")


def as_parameter(text: str, type_: str) -> str:
    """Write a text, whose bytes a function takes whole, as PostgreSQL reads it as the parameter's type."""
    return f"\\x{text.encode().hex()}" if type_ == "bytea" else text


def media_type(content_type: str) -> str:
    """Return a Content-Type without its parameters; an empty one means JSON."""
    return content_type.partition(";")[0].strip().lower() or _JSON


def read_payload(
    body: bytes | None,
    content_type: str,
    columns: tuple[str, ...] | None,
    limits: RequestLimits,
    *,
    calls: bool = False,
) -> Payload:
    """Read an object or an array of objects; `columns`, if given, says which keys are written instead of all.

    :param calls: the body is a function's arguments, so an empty body means an empty object.
    :raises GrammarError: with PGRST102, the body is neither, or its rows have different keys.
    :raises PayloadTooLarge: the body has too many bytes or rows. PostgreSQL checks the values in it.
    """
    text = _as_json(body, media_type(content_type), limits, empty=b"{}" if calls else None)
    document = _decode(text)
    is_object = isinstance(document, dict)
    if not is_object and not isinstance(document, list):
        if calls:
            # A function with one unnamed parameter of type json takes any JSON.
            return Payload(text, (), 1, is_object=False)
        # PostgREST reads a scalar as no rows at all, which hides a mistake.
        raise _malformed("the body is neither an object nor an array of objects")
    rows = [document] if is_object else document
    if not calls and len(rows) > limits.max_body_rows:
        raise PayloadTooLarge(
            f"the body has more than {limits.max_body_rows} rows", hint="Nothing was changed. Send fewer at a time."
        )
    keys = _read_keys(rows, uniform=columns is None, calls=calls)
    written = tuple(sorted(keys)) if columns is None else columns
    if len(written) > limits.max_select_items:
        raise beyond("columns in the body", limits.max_select_items)
    if columns is None or calls:
        return Payload(text, written, len(rows), is_object)
    lacking = frozenset(columns).difference(frozenset(columns).intersection(*rows))
    return Payload(text, written, len(rows), is_object, lacking, lacking.difference(*rows))


def _as_json(body: bytes | None, kind: str, limits: RequestLimits, *, empty: bytes | None) -> str:
    if kind == _FORM:
        # A form without fields stands for an object without members.
        return json.dumps(dict(read_form(body, limits)))
    # Windows marks files as UTF-8 so. RFC 8259 lets a reader of JSON leave it out, and no CSV means it.
    text = _text(_check_size(body, limits, empty=empty)).removeprefix(_BYTE_ORDER_MARK)
    if is_json(kind):
        return text
    if kind == _CSV:
        return _csv_to_json(text)
    raise _malformed(f"Content-Type not acceptable: {kind[:100]}")


def _csv_to_json(text: str) -> str:
    names, *lines = read_records(text) or [[]]
    header = [NULL if name is None else name for name in names]
    if not header or any(len(line) != len(header) for line in lines):
        raise _malformed("All lines must have same number of fields")
    if len(set(header)) < len(header):
        raise _malformed("A column is named twice")
    return json.dumps([dict(zip(header, line, strict=True)) for line in lines])


def read_raw(body: bytes | None, kind: str, limits: RequestLimits) -> str:
    """Return a body that goes into a function unchanged, as PostgreSQL reads it as the type that RAW has for its kind.

    :raises BadRequest: it is to be text, and PostgreSQL can't store it as that.
    """
    raw = _check_size(body, limits, empty=b"")
    return f"\\x{raw.hex()}" if RAW[kind] == "bytea" else check_value(_text(raw))


def read_form(body: bytes | None, limits: RequestLimits) -> list[tuple[str, str]]:
    """Read the fields of a form.

    :raises BadRequest: one is no text that PostgreSQL can store.
    """
    text = check_value(_text(_check_size(body, limits, empty=b"")))
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as exc:
        raise _not_utf8() from exc
    return [(check_value(name), check_value(value)) for name, value in fields]


def _check_size(body: bytes | None, limits: RequestLimits, *, empty: bytes | None = None) -> bytes:
    if not body:
        if empty is None:
            raise _malformed("Empty or invalid json")
        return empty
    if len(body) > limits.max_body_bytes:
        raise PayloadTooLarge(f"the body is larger than {limits.max_body_bytes} bytes")
    return body


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as exc:
        raise _not_utf8() from exc


def _not_utf8() -> GrammarError:
    return GrammarError("The body is not UTF-8 text.", code="PGRST102")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Numbers stay text: only the keys matter here, and PostgreSQL refuses a number with too many digits itself.
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _decode(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError) as exc:
        raise _malformed("Empty or invalid json") from exc


def _read_keys(rows: list[Any], *, uniform: bool, calls: bool) -> set[str]:
    if not all(type(row) is dict for row in rows):
        if calls:
            # A function with one unnamed parameter of type json takes any array.
            return set()
        raise _malformed("All object keys must match")
    if not rows:
        return set()
    first = list(rows[0])
    # Keys usually come in the same order in every row, and comparing lists takes a third of the time.
    if uniform and not all(list(row) == first or row.keys() == rows[0].keys() for row in rows):
        raise _malformed("All object keys must match")
    # An escape may stand for what is no text.
    return {check_value(key) for key in first}


def _malformed(message: str) -> GrammarError:
    return GrammarError(message, code="PGRST102")
