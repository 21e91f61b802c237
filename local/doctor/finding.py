"""What a check has found: a verdict, a sentence that says it, and a sentence that says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How good or bad a finding is. A hint may be meant so; what is not available could not be looked at."""

    OK = "ok"
    HINT = "hint"
    ERROR = "error"
    NOT_AVAILABLE = "not available"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. It holds no secret, no host and no number of an account."""

    verdict: Verdict
    says: str
    what_to_do: str = ""


class NotAvailable(Exception):
    """A check could not look: the message says why, `what_to_do` how it could."""

    def __init__(self, says: str, what_to_do: str = "") -> None:
        super().__init__(says)
        self.what_to_do = what_to_do


def ok(says: str) -> Finding:
    """Say that all is well."""
    return Finding(Verdict.OK, says)


def hint(says: str, what_to_do: str) -> Finding:
    """Say what may be meant so."""
    return Finding(Verdict.HINT, says, what_to_do)


def error(says: str, what_to_do: str) -> Finding:
    """Say what is wrong."""
    return Finding(Verdict.ERROR, says, what_to_do)


def listed(names: Sequence[str], at_most: int = 5) -> str:
    """Join names to a list that can be read."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
