"""The settings of a tenant's data API: its exposed schemas, and those features that PostgREST makes optional."""

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from tenantry.domain.errors import BadRequest

# PostgreSQL truncates names that have more bytes.
_NAME_BYTES = 63
_MAX_SCHEMAS = 10
MAX_ROWS = 1_000
MAX_AT_ONCE = 32
# Ten of the longest names, each character of them escaped, need less.
_CONTEXT_CHARACTERS = 8_192
# Schemas of PostgreSQL or Tenantry, which are never exposed, whatever a role may read in them.
_RESERVED = frozenset({"information_schema", "tenantry"})


def check_schemas(names: tuple[str, ...]) -> None:
    """Refuse an invalid list of exposed schemas.

    :raises BadRequest: the list is empty or too long, repeats a name, or has a name that is impossible or reserved.
    """
    if not 1 <= len(names) <= _MAX_SCHEMAS or len(set(names)) < len(names):
        raise BadRequest(
            f"schemas are 1 to {_MAX_SCHEMAS} different names.", code="invalid_schema", hint="Name each schema once."
        )
    for name in names:
        if not _is_usable(name):
            raise BadRequest(
                "A schema can't have that name, or can't be exposed.",
                code="invalid_schema",
                hint=f"1 to {_NAME_BYTES} bytes; neither PostgreSQL's own (pg_…, information_schema) nor tenantry.",
            )


def _is_usable(name: str) -> bool:
    try:
        is_storable = 1 <= len(name.encode()) <= _NAME_BYTES and "\0" not in name
    except UnicodeEncodeError:
        return False
    return is_storable and name not in _RESERVED and not name.startswith("pg_")


@dataclass(frozen=True, slots=True)
class DataApiSettings:
    """One tenant's settings of its data API; the constructor raises BadRequest for invalid values.

    `schemas` are exposed, the first of them where a request names none. `("public",)` stands for the one schema that
    the tenant's home has, whatever that is called. A `max_rows` or `at_once` of 0 is the stack's own limit.
    """

    schemas: tuple[str, ...] = ("public",)
    # Whether `select` may call aggregate functions.
    aggregates: bool = False
    # Whether `Accept: application/vnd.pgrst.plan` is answered.
    plans: bool = False
    max_rows: int = 0
    # How many statements may run at the same time; 0 is the stack's own limit.
    at_once: int = 0

    def __post_init__(self) -> None:
        check_schemas(self.schemas)
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

    def to_context(self) -> str:
        """Write the settings that differ from the default as compact ASCII JSON, for the authorizer's context."""
        usual = asdict(DEFAULT)
        changed = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps(changed, separators=(",", ":"))

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
    except (ValueError, RecursionError) as exc:
        raise malformed from exc
    if not isinstance(content, dict):
        raise malformed
    known = {name: value for name, value in content.items() if name in DataApiSettings.__slots__}
    if "schemas" in known:
        known["schemas"] = _names(known["schemas"], malformed)
    return DataApiSettings(**known)


def _names(value: object, malformed: BadRequest) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise malformed
    return tuple(value)
