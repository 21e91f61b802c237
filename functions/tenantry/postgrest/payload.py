"""The body of a write: which columns it names, and the JSON array that PostgreSQL takes apart."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from tenantry.domain.errors import GrammarError, PayloadTooLarge
from tenantry.postgrest.names import check_value
from tenantry.postgrest.refusals import beyond
from tenantry.postgrest.request import Limits


@dataclass(frozen=True, slots=True)
class Payload:
    """`text` is a JSON array of `rows` objects; `columns` are sorted, so equal shapes are equal."""

    text: str
    columns: tuple[str, ...]
    rows: int


def read_payload(body: str | None, columns: tuple[str, ...] | None, limits: Limits) -> Payload:
    """Read an object or an array of objects; `columns`, where given, replaces the keys as what is written.

    Raises GrammarError with PGRST102 for what is no JSON, a scalar, or rows whose keys differ, and
    PayloadTooLarge for a body over the limit. The values in it are PostgreSQL's to judge.
    """
    text = _check_size(body, limits)
    document = _decode(text)
    if isinstance(document, dict):
        rows, text = [document], f"[{text}]"
    elif isinstance(document, list):
        rows = document
    else:
        raise _malformed("the body is neither an object nor an array of objects")
    keys = _read_keys(rows, uniform=columns is None)
    written = tuple(sorted(keys)) if columns is None else columns
    if len(written) > limits.max_select_items:
        raise beyond("columns in the body", limits.max_select_items)
    return Payload(text, written, len(rows))


def _check_size(body: str | None, limits: Limits) -> str:
    if not body:
        raise _malformed("the body is empty")
    size = len(body)
    if size <= limits.max_body_bytes and not body.isascii():
        size = len(check_value(body).encode())
    if size > limits.max_body_bytes:
        raise PayloadTooLarge(f"the body is larger than {limits.max_body_bytes} bytes")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Numbers stay text: only keys matter here, and a number with too many digits is PostgreSQL's to refuse.
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _decode(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError) as exc:
        raise _malformed("the body is not valid JSON") from exc


def _read_keys(rows: list[Any], uniform: bool) -> set[str]:
    if not all(type(row) is dict for row in rows):
        raise _malformed("the body is neither an object nor an array of objects")
    if not rows:
        return set()
    first: set[str] = set(rows[0])
    if uniform and not all(row.keys() == first for row in rows):
        raise _malformed("all objects of the body must have the same keys")
    return first


def _malformed(message: str) -> GrammarError:
    return GrammarError(message, code="PGRST102")
