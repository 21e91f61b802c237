"""Reads the parameters of a call's query. What a route does not take is refused, and so is what is given twice."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from handlers.routes.cursors import invalid_cursor, read_cursor, write_cursor
from tenantry.aws.api_gateway import query_of
from tenantry.domain.errors import BadRequest
from tenantry.domain.paging import MOST, USUAL, PageRequest

PAGING: Final = ("limit", "cursor")
_TAKEN: Final = "taken_parameters"
# Times before there were any, and those from which no month follows.
_YEARS: Final = range(1970, 9999)


def takes[Route: Callable[..., Any]](*names: str) -> Callable[[Route], Route]:
    """Say which parameters a route takes; without this it takes none."""

    def mark(route: Route) -> Route:
        setattr(route, _TAKEN, names)
        return route

    return mark


def taken_by(route: Callable[..., Any]) -> tuple[str, ...]:
    """List the parameters that a route takes."""
    names: tuple[str, ...] = getattr(route, _TAKEN, ())
    return names


class Parameters:
    """The parameters of one call: each is a text, and empty where it was left out."""

    def __init__(self, event: dict[str, Any], taken: tuple[str, ...]) -> None:
        """Take the request and the parameters that its route takes.

        :raises BadRequest: it has others, or one twice.
        """
        given = query_of(event)
        for name, values in given.items():
            if name not in taken:
                raise _unknown(taken)
            if len(values) != 1:
                raise invalid(name, "Give it once.")
        self._path = str(event["path"])
        self._given = {name: values[0] for name, values in given.items() if values[0]}

    def text(self, name: str, default: str = "") -> str:
        """Read a text."""
        return self._given.get(name, default)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Read one of a few words. :raises BadRequest: it is another."""
        word = self.text(name)
        if word and word not in choices:
            raise invalid(name, f"One of {', '.join(choices)}.")
        return word

    def member[Choice: StrEnum](self, name: str, choices: type[Choice]) -> Choice | None:
        """Read a member of an enumeration; None where it was left out. :raises BadRequest: it is none."""
        word = self.choice(name, tuple(choice.value for choice in choices))
        return choices(word) if word else None

    def moment(self, name: str) -> datetime | None:
        """Read a time in ISO 8601, in UTC unless it says otherwise. :raises BadRequest: it is none."""
        if not self.text(name):
            return None
        try:
            at = datetime.fromisoformat(self.text(name))
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise _no_moment(name) from None
        if at.year not in _YEARS:
            raise _no_moment(name)
        return at

    def position(self) -> str:
        """Read the position in the cursor; empty for the first page. :raises BadRequest: it is none of this list."""
        cursor = self.text("cursor")
        return read_cursor(self._path, self._filters(), cursor) if cursor else ""

    def page(self, has: Callable[[str], bool]) -> PageRequest:
        """Read which page is asked for.

        :param has: tells whether a position may lie in what is listed.
        :raises BadRequest: the limit is no number of items, or the cursor none of this list.
        """
        limit, position = self.text("limit", str(USUAL)), self.position()
        if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MOST)) and 1 <= int(limit) <= MOST):
            raise invalid("limit", f"1 to {MOST}; left out, it is {USUAL}.")
        if position and not has(position):
            raise invalid_cursor()
        return PageRequest(int(limit), position)

    def cursor(self, position: str) -> str | None:
        """Write the cursor of the page behind a position; None where there is none."""
        return write_cursor(self._path, self._filters(), position) if position else None

    def _filters(self) -> dict[str, str]:
        return {name: value for name, value in self._given.items() if name not in PAGING}


def invalid(name: str, hint: str) -> BadRequest:
    """Make the error for a parameter whose value does not fit."""
    return BadRequest(f"The parameter {name} does not fit.", code="invalid_parameter", hint=hint)


def _no_moment(name: str) -> BadRequest:
    return invalid(name, "A time in UTC such as 2026-11-30 or 2026-11-30T18:00:00Z.")


def _unknown(taken: tuple[str, ...]) -> BadRequest:
    return BadRequest(
        "The call does not take one of its parameters.",
        code="unknown_parameter",
        hint=f"It takes {', '.join(taken)}." if taken else "It takes none.",
    )
