"""What goes into the grammar and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tenantry.postgrest.media import Media
from tenantry.postgrest.preferences import NONE, Preferences


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much one request may ask for; what goes beyond is refused, except rows, which are cut off."""

    max_rows: int = 1000
    max_body_bytes: int = 1_000_000
    # Rows that one body writes: each may be `{}`, and take all that is in it from wide defaults.
    max_body_rows: int = 10_000
    max_list_items: int = 1000
    max_filters: int = 50
    max_select_items: int = 500
    max_order_terms: int = 20
    max_depth: int = 8
    max_embeds: int = 30
    max_query_bytes: int = 10_240
    # How often one column may be selected, and each of the paths into it.
    max_repeats: int = 5
    max_paths: int = 50
    # The sum of the lengths to which casts such as char(n) fill up values.
    max_padding: int = 10_000
    max_answer_bytes: int = 4_500_000
    # Whether an answer's size is added up row by row.
    exact: bool = False
    # How many statements of the tenant's may run at the same time; 0 is any number.
    at_once: int = 0
    # Whether the database is one tenant's alone.
    own_database: bool = False
    # Whether a session keeps the statement, with the types that its parameters had when it was prepared.
    prepared: bool = True
    # What the tenant's operator has allowed.
    aggregates: bool = False
    plans: bool = False


class Kind(StrEnum):
    """What a path names."""

    TABLE = "table"
    ROUTINE = "routine"


# Each request makes one of these; a named tuple is made in a third of the time of a frozen dataclass.
class Request(NamedTuple):
    """One call of `/rest/v1/{name}` or `/rest/v1/rpc/{name}`; name and query are percent-decoded already.

    `schemas` are those that are exposed, the default one first, by the names that the database has for them;
    `profile` is what Accept-Profile or Content-Profile asks for. `partition` is the column of every key that says whose
    a row of a shared table is: the caller need not know of it.
    """

    method: str
    name: str
    query: Mapping[str, Sequence[str]]
    kind: Kind = Kind.TABLE
    schemas: tuple[str, ...] = ("public",)
    partition: str = ""
    profile: str = ""
    prefer: str = ""
    accept: str = ""
    range: str = ""
    content_type: str = ""
    body: bytes | None = None


class Action(StrEnum):
    """What a request does."""

    READ = "read"
    CALL = "call"
    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


class Guard(StrEnum):
    """Why a statement refuses its own outcome, and with it everything that it has done.

    `ONE_ROW` counts the rows of the answer, which aggregates may have made of many; the others count those that were
    changed, or that a function returned.
    """

    ONE_ROW = "one row"
    AS_NAMED = "as named"
    MAX_AFFECTED = "max affected"


class Plan(NamedTuple):
    """One statement that answers with exactly one row, and what the answer is made of.

    The row's columns: the count of all rows that match (bigint or NULL), of those in the answer (bigint), its body
    (text or NULL), the headers and the status that a function has set (text or NULL), of a write the key of the
    one row that it made (JSON text or NULL) and how many rows it made new (bigint or NULL), and `SESSION_STATE`.

    `text` depends on the shape of the request alone: every value is a placeholder `$1`…`$n`, filled from
    `values`. They are all text and PostgreSQL infers their types, so `text` can be prepared once. `status` is
    what a success gets; `counted` is a statement whose estimated number of rows is wanted, with its values; `profile`
    names the schema where it was chosen; `address` is that of what is read, below the API's; `settings`, each a name
    and a value, are to be in force before it begins; `is_binary` says that the body is bytes in Base64.
    """

    text: str
    values: tuple[str | None, ...]
    reads_only: bool
    status: int
    media: Media
    name: str
    action: Action
    offset: int = 0
    returns_body: bool = True
    preferences: Preferences = NONE
    applied: str = ""
    guards: tuple[tuple[Guard, int], ...] = ()
    profile: str = ""
    counted: tuple[str, tuple[str | None, ...]] | None = None
    is_void: bool = False
    max_rows: int = 0
    address: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    is_binary: bool = False

    @property
    def is_taken_back(self) -> bool:
        """Whether it is only tried: nothing of what it does lasts."""
        return self.preferences.tx == "rollback"
