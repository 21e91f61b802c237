"""How the grammar says no: where it stopped, or what it does not do yet."""

from tenantry.domain.errors import GrammarError

_LONGEST_ECHO = 200


def stopped(what: str, text: str, position: int, expecting: str) -> GrammarError:
    """Tell where parsing `text` ended, in PostgREST's form: columns from 1, details with what was there."""
    found = f'"{text[position]}"' if position < len(text) else "end of input"
    return GrammarError(
        f'"failed to parse {what} ({_shorten(text)})" (line 1, column {position + 1})',
        details=f"unexpected {found} expecting {expecting}",
    )


def unsupported(feature: str, text: str) -> GrammarError:
    """Refuse a part of PostgREST's grammar that is not done yet; ignoring it would answer wrongly."""
    return GrammarError(f"{feature} is not supported yet", details=f"found in {_shorten(text)!r}")


def beyond(what: str, limit: int) -> GrammarError:
    """Refuse a request that asks for more parts than the limits allow."""
    return GrammarError(f"too many {what}: at most {limit} are allowed")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
