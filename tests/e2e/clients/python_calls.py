"""A call of the Python client, and its expected outcome."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from postgrest import APIError, SyncPostgrestClient

# It gives a request that only has to be executed.
type Call = Callable[[SyncPostgrestClient], Any]
# (what it is about, the call, the data or one of the two below)
type Case = tuple[str, Call, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """Data and a count."""

    data: Any
    count: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An error with this code."""

    code: str


def outcome(client: SyncPostgrestClient, call: Call, expected: Any) -> Any:
    """Make the call and return its outcome, in the form of the expected one."""
    try:
        answer = call(client).execute()
    except APIError as error:
        return Refused(str(error.code)) if isinstance(expected, Refused) else error.json()
    data = getattr(answer, "data", answer)
    return Counted(data, answer.count) if isinstance(expected, Counted) else data


def names(cases: Iterable[Case]) -> list[str]:
    """Return the names of these cases for the tests' ids."""
    return [name for name, *_ in cases]


def ids(*numbers: int) -> list[dict[str, int]]:
    """Build rows with nothing but an id."""
    return [{"id": number} for number in numbers]


def rpc(client: SyncPostgrestClient, function: str, parameters: dict[str, Any] | None = None, **options: Any) -> Any:
    """Call a function; the client's own annotation demands that all arguments are strings."""
    return client.rpc(function, parameters or {}, **options)
