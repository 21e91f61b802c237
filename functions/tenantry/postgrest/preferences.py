"""The Prefer header: parses the preferences, and reports those that were applied."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.domain.errors import RequestRefused

_CHOICES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
}
# What a time zone's name may look like; PostgreSQL says whether it knows it.
_is_zone = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}").fullmatch


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of a request, by kind; None if not given. Values are the header's own words."""

    resolution: str | None = None
    missing: str | None = None
    returning: str | None = None
    count: str | None = None
    tx: str | None = None
    handling: str | None = None
    timezone: str | None = None
    max_affected: int | None = None

    @property
    def is_strict(self) -> bool:
        """Whether a preference that is not understood has to be refused."""
        return self.handling == "strict"

    def applied(self, *leaving_out: str) -> str:
        """Return the header Preference-Applied, with the kinds in its order; empty if none was applied."""
        given = {
            "resolution": self.resolution,
            "missing": self.missing,
            "return": self.returning,
            "count": self.count,
            "tx": self.tx,
            "handling": self.handling,
            "timezone": self.timezone,
            "max-affected": self.max_affected if self.is_strict else None,
        }
        return ", ".join(
            f"{kind}={value}" for kind, value in given.items() if value is not None and kind not in leaving_out
        )


NONE = Preferences()


def parse_preferences(header: str) -> Preferences:
    """Parse the header's value; if a kind is given several times, the first counts.

    Unknown preferences are ignored, as RFC 7240 requires, unless `handling=strict` is among them.

    :raises RequestRefused: with PGRST122, a preference is unknown and `handling=strict` was given.
    """
    if not header:
        return NONE
    wanted = [preference.strip() for preference in header.split(",")]
    found: dict[str, str] = {}
    unknown = []
    for preference in wanted:
        kind, _, value = preference.partition("=")
        if not _is_known(kind, value):
            unknown.append(preference)
        elif kind not in found:
            found[kind] = value
    if unknown and found.get("handling") == "strict":
        raise unmet_preferences(unknown)
    return _preferences(found)


def unmet_preferences(preferences: Sequence[str]) -> RequestRefused:
    """Build the refusal for preferences that were asked for strictly and can't be met."""
    details = f"Invalid preferences: {', '.join(preferences)[:200]}"
    return RequestRefused("Invalid preferences given with handling=strict", code="PGRST122", details=details)


def _preferences(found: dict[str, str]) -> Preferences:
    max_affected = found.get("max-affected")
    return Preferences(
        found.get("resolution"),
        found.get("missing"),
        found.get("return"),
        found.get("count"),
        found.get("tx"),
        found.get("handling"),
        found.get("timezone"),
        int(max_affected) if max_affected is not None else None,
    )


def _is_known(kind: str, value: str) -> bool:
    if kind == "timezone":
        return bool(_is_zone(value))
    if kind == "max-affected":
        return value.isascii() and value.isdigit() and len(value) <= 18
    return value in _CHOICES.get(kind, ())
