"""The Prefer header: what is applied, what is refused, what is ignored."""

from dataclasses import dataclass

from tenantry.domain.errors import GrammarError

_RETURNS = ("representation", "minimal", "headers-only")
# Ignoring one of these would write or return something else than what was asked for.
_TO_COME = ("resolution=", "missing=default", "count=", "tx=rollback", "timezone=", "params=")
_ACCEPTED = frozenset({"missing=null", "handling=strict", "handling=lenient", "tx=commit"})


@dataclass(frozen=True, slots=True)
class Preferences:
    """`returning` is one of representation, minimal and headers-only; `applied` is for Preference-Applied."""

    returning: str = "minimal"
    applied: tuple[str, ...] = ()


_NONE = Preferences()


def parse_preferences(header: str, writes: bool) -> Preferences:
    """Parse the header's value; of several of a kind the first counts. Raises GrammarError with PGRST122.

    Unknown preferences are ignored, as RFC 7240 has it, unless `handling=strict` is among them.
    """
    if not header:
        return _NONE
    wanted = [preference.strip() for preference in header.split(",")]
    strict = _first(wanted, "handling=", ("strict", "lenient")) == "strict"
    _check(wanted, strict)
    returning = _first(wanted, "return=", _RETURNS) if writes else None
    applied = (
        *(["missing=null"] if writes and "missing=null" in wanted else []),
        *([f"return={returning}"] if returning else []),
        *(["handling=strict"] if strict else []),
    )
    return Preferences(returning or "minimal", applied)


def _first(wanted: list[str], kind: str, choices: tuple[str, ...]) -> str | None:
    for preference in wanted:
        if preference.startswith(kind) and preference[len(kind) :] in choices:
            return preference[len(kind) :]
    return None


def _check(wanted: list[str], strict: bool) -> None:
    for preference in wanted:
        # Outside strict handling PostgREST ignores max-affected, too.
        if preference.startswith(_TO_COME) or (strict and preference.startswith("max-affected=")):
            raise GrammarError(f"the preference {preference[:100]!r} is not supported yet", code="PGRST122")
    unknown = [preference for preference in wanted if not _is_known(preference)]
    if strict and unknown:
        raise GrammarError(
            "a preference is not known, and handling=strict was asked for",
            code="PGRST122",
            details=f"Invalid preferences: {', '.join(unknown)[:200]}",
        )


def _is_known(preference: str) -> bool:
    kind, _, choice = preference.partition("=")
    return preference in _ACCEPTED or (kind == "return" and choice in _RETURNS)
