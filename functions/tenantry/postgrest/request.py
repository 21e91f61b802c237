"""What goes into the grammar and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for; what goes beyond is refused, except rows, which are cut off."""

    max_rows: int = 1000
    max_body_bytes: int = 1_000_000
    max_list_items: int = 1000
    max_filters: int = 50
    max_select_items: int = 500
    max_order_terms: int = 20


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `/rest/v1/{table}`; table and query are percent-decoded already."""

    method: str
    table: str
    query: Mapping[str, Sequence[str]]
    schema: str = "public"
    prefer: str = ""
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement that answers with exactly one row: the count (bigint) and the JSON body (text or NULL).

    `text` depends on the shape of the request alone: every value is a placeholder `$1`…`$n`, filled from
    `values`. They are all text and PostgreSQL infers their types, so `text` can be prepared once. `status` is
    what a success gets, `applied` what belongs into Preference-Applied, in its order.
    """

    text: str
    values: tuple[str | None, ...]
    reads_only: bool
    status: int
    offset: int
    returns_body: bool
    applied: tuple[str, ...]
