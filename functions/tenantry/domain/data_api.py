"""The settings of a tenant's data API: its exposed schemas, and those features that PostgREST makes optional."""

import base64
import binascii
import json
import re
import zlib
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from tenantry.domain.errors import BadRequest

# PostgreSQL truncates names that have more bytes.
_NAME_BYTES = 63
MAX_ROWS = 1_000
MAX_AT_ONCE = 32
# What the authorizer's answer has room for, and above what length settings are packed. A hundred of the longest names
# that have nothing in common fit, and thousands of usual ones.
_CONTEXT_CHARACTERS = 8_192
_LONG = 1_024
_UNPACKED_BYTES = 1_000_000
# `name` or `schema.name`, each as it is, or in double quotes as in SQL.
_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_function = re.compile(rf"(?:({_PART})\.)?({_PART})").fullmatch
# Schemas of PostgreSQL or Tenantry, which are never exposed, whatever a role may read in them.
_RESERVED = frozenset({"information_schema", "tenantry"})


def check_schemas(names: tuple[str, ...]) -> None:
    """Refuse an invalid list of exposed schemas.

    :raises BadRequest: the list is empty, repeats a name, or has a name that is impossible or reserved.
    """
    if not names or len(set(names)) < len(names):
        raise BadRequest(
            "schemas are one or more different names.", code="invalid_schema", hint="Name each schema once."
        )
    for name in names:
        if not _is_usable(name):
            raise BadRequest(
                "A schema can't have that name, or can't be exposed.",
                code="invalid_schema",
                hint=f"1 to {_NAME_BYTES} bytes; neither PostgreSQL's own (pg_…, information_schema) nor tenantry.",
            )


def _is_storable(name: str) -> bool:
    try:
        return 1 <= len(name.encode()) <= _NAME_BYTES and "\0" not in name
    except UnicodeEncodeError:
        return False


def _is_usable(name: str) -> bool:
    return _is_storable(name) and name not in _RESERVED and not name.startswith("pg_")


@dataclass(frozen=True, slots=True)
class DataApiSettings:
    """One tenant's settings of its data API; the constructor raises BadRequest for invalid values.

    `schemas` are exposed, the first of them where a request names none. `("public",)` stands for the one schema that
    the tenant's home has, whatever that is called. A `max_rows` or `at_once` of 0 is the stack's own limit.
    `pre_request` is a function that is called before each request; empty is none.
    """

    schemas: tuple[str, ...] = ("public",)
    # Whether `select` may call aggregate functions.
    aggregates: bool = False
    # Whether `Accept: application/vnd.pgrst.plan` is answered.
    plans: bool = False
    max_rows: int = 0
    # How many statements may run at the same time; 0 is the stack's own limit.
    at_once: int = 0
    pre_request: str = ""

    def __post_init__(self) -> None:
        check_schemas(self.schemas)
        if type(self.pre_request) is not str or (self.pre_request and _read_function(self.pre_request) is None):
            raise BadRequest(
                "pre_request is the name of a function, with its schema or without.",
                code="invalid_data_api",
                hint='Send "schema.function", or "" for none. Names with a dot or a quote are quoted as in SQL.',
            )
        if not (type(self.aggregates) is type(self.plans) is bool):
            raise BadRequest(
                "aggregates and plans are true or false.",
                code="invalid_data_api",
                hint="Send what docs/operators-api.md lists for the data API.",
            )
        if type(self.max_rows) is not int or not 0 <= self.max_rows <= MAX_ROWS:
            raise BadRequest(
                f"max_rows is 0 to {MAX_ROWS}.",
                code="invalid_data_api",
                hint="Send what docs/operators-api.md lists for the data API.",
            )
        if type(self.at_once) is not int or not 0 <= self.at_once <= MAX_AT_ONCE:
            raise BadRequest(
                f"at_once is 0 to {MAX_AT_ONCE}.",
                code="invalid_data_api",
                hint="Send what docs/operators-api.md lists for the data API.",
            )

    def exposed(self, home_schema: str) -> tuple[str, ...]:
        """List the exposed schemas of a tenant whose home has this schema, the default one first."""
        return (home_schema,) if self.schemas == DEFAULT.schemas else self.schemas

    def fitting(self, *, one_schema: bool) -> "DataApiSettings":
        """Return the settings that fit a home; a home with a single schema exposes that one."""
        return replace(self, schemas=DEFAULT.schemas) if one_schema else self

    def row_limit(self, of_stack: int) -> int:
        """Return how many rows an answer may have: the tenant's limit can only lower the stack's."""
        return min(self.max_rows or of_stack, of_stack)

    def pre_request_in(self, home_schema: str) -> tuple[str, str] | None:
        """Return the schema and the name of the function that is called before each request, if there is one."""
        if not self.pre_request:
            return None
        found = _read_function(self.pre_request)
        assert found  # noqa: S101 - the constructor looked
        return (home_schema if found[0] in (None, "public") else found[0], found[1])

    def to_context(self) -> str:
        """Write the settings that differ from the default as compact ASCII JSON, for the authorizer's context.

        :raises BadRequest: there is no room for so many schemas.
        """
        usual = asdict(DEFAULT)
        changed = {name: value for name, value in asdict(self).items() if value != usual[name]}
        text = json.dumps(changed, separators=(",", ":"))
        if len(text) > _LONG:
            packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
            text = json.dumps({"packed": packed}, separators=(",", ":"))
        if len(text) > _CONTEXT_CHARACTERS:
            raise BadRequest(
                "The names of the schemas are too long together.",
                code="invalid_schema",
                hint=f"Packed, they have {len(text)} characters, of {_CONTEXT_CHARACTERS}: expose fewer.",
            )
        return text

    @staticmethod
    def from_context(text: str) -> "DataApiSettings":
        """Read what `to_context` wrote; unknown settings, such as those of a newer version, are ignored.

        :raises BadRequest: the text is malformed.
        """
        return _read(text)


DEFAULT = DataApiSettings()


@dataclass(frozen=True, slots=True)
class DataApiChange:
    """A change of a tenant's settings; a field of None keeps the present value."""

    schemas: tuple[str, ...] | None = None
    aggregates: bool | None = None
    plans: bool | None = None
    max_rows: int | None = None
    at_once: int | None = None
    pre_request: str | None = None

    def apply(self, present: DataApiSettings) -> DataApiSettings:
        """Apply the change to a tenant's present settings."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(present, **given)


@lru_cache(maxsize=256)
def _read(text: str) -> DataApiSettings:
    malformed = BadRequest(
        "The data API's settings are malformed.",
        code="invalid_data_api",
        hint="Send what docs/operators-api.md lists for the data API.",
    )
    if len(text) > _CONTEXT_CHARACTERS:
        raise malformed
    try:
        content = json.loads(text)
        if isinstance(content, dict) and "packed" in content:
            content = json.loads(_unpacked(content["packed"]))
    except (ValueError, TypeError, RecursionError, zlib.error, binascii.Error) as exc:
        raise malformed from exc
    if not isinstance(content, dict):
        raise malformed
    known = {name: value for name, value in content.items() if name in DataApiSettings.__slots__}
    if "schemas" in known:
        known["schemas"] = _names(known["schemas"], malformed)
    return DataApiSettings(**known)


def _unpacked(packed: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), _UNPACKED_BYTES)


def _read_function(text: str) -> tuple[str | None, str] | None:
    """Read the name of a function, as PostgreSQL can have it, with its schema if that is given."""
    found = _function(text)
    if found is None:
        return None
    schema, name = [None if part is None else _unquoted(part) for part in found.groups()]
    if name is None or not all(_is_storable(part) for part in (schema, name) if part is not None):
        return None
    return schema, name


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _names(value: object, malformed: BadRequest) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise malformed
    return tuple(value)
