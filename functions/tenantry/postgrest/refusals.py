"""The data API's refusals, in PostgREST's words and codes, because its clients tell errors apart by these."""

from collections.abc import Sequence

from tenantry.domain.errors import GrammarError, RequestRefused

_LONGEST_ECHO = 200


def stopped(what: str, text: str, position: int, expecting: str) -> GrammarError:
    """Build the error for parsing that stopped, in PostgREST's form: column from 1, and the character found there."""
    found = f'"{text[position]}"' if position < len(text) else "end of input"
    return GrammarError(
        f'"failed to parse {what} ({shorten(text)})" (line 1, column {position + 1})',
        details=f"unexpected {found} expecting {expecting}",
    )


def beyond(what: str, limit: int) -> GrammarError:
    """Refuse a request that asks for more parts than the limits allow."""
    return GrammarError(f"too many {what}: at most {limit} are allowed")


def given_times(key: str, times: int) -> GrammarError:
    """Refuse a parameter that has one value and was given several."""
    return GrammarError(f"{shorten(key)} was given {times} times", hint="Give it once, with commas inside.")


def meaningless(key: str, where: str, hint: str | None = None) -> GrammarError:
    """Refuse a parameter that would be passed over."""
    return GrammarError(f"{key} has no meaning for {where}", hint=hint)


def not_callable_by(method: str) -> RequestRefused:
    """Refuse a method by which no function can be called."""
    return _refuse_method(f"Cannot use the {method[:20]} method on RPC", "PGRST101", ("GET", "HEAD", "POST"))


def unsupported(method: str, others: Sequence[str]) -> RequestRefused:
    """Refuse a method that a path does not have, and name those that it has."""
    return _refuse_method(f"Unsupported HTTP method: {method[:20]}", "PGRST117", others)


def _refuse_method(message: str, code: str, others: Sequence[str]) -> RequestRefused:
    refusal = RequestRefused(message, code=code)
    refusal.headers = {"Allow": ",".join(("OPTIONS", *others))}
    return refusal


def not_embedded(name: str) -> RequestRefused:
    """Refuse a filter, an order or a window for a table that is not in `select`."""
    return RequestRefused(
        f"'{name}' is not an embedded resource in this request",
        code="PGRST108",
        hint=f"Verify that '{name}' is included in the 'select' query parameter.",
    )


def not_selected(relation: str, name: str) -> RequestRefused:
    """Refuse to sort by a column of an embedded table that is not among those that were selected of it."""
    return RequestRefused(f"column {relation}.{shorten(name)} does not exist", code="42703")


def not_aggregated() -> RequestRefused:
    """Refuse to aggregate what is gathered in arrays."""
    return RequestRefused(
        "Feature not implemented",
        code="PGRST127",
        details="Aggregates are not implemented for one-to-many or many-to-many spreads.",
    )


def key_twice(name: str, *, is_table: bool) -> RequestRefused:
    """Refuse an answer whose objects would have one key twice: clients see but one of them."""
    what, code = ("table name", "42712") if is_table else ("column", "42701")
    return RequestRefused(
        f'{what} "{shorten(name)}" specified more than once',
        code=code,
        hint="Give one of them another name: select=other:name(…).",
    )


def range_refused(details: str) -> RequestRefused:
    """Refuse a window of rows that is impossible."""
    return RequestRefused("Requested range not satisfiable", code="PGRST103", details=details)


def shorten(text: str) -> str:
    """Shorten the caller's text for quoting it in an error."""
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
