"""Names of columns and tables, as a URL and as SQL spell them, and a check for text that PostgreSQL can store."""

import re
from functools import lru_cache

from tenantry.domain.errors import BadRequest, GrammarError

# A name in a URL: quoted with backslash escapes, or letters, digits, `_`, `$`, blanks, and `-` unless it
# begins the arrow of a JSON path. All quantifiers are possessive, so a long wrong name costs linear time.
NAME = r'(?:"(?:[^"\\]++|\\[\s\S])*+"|[\w $]++(?:-(?!>)[\w $]++)*+)'

# NAMEDATALEN - 1. PostgreSQL truncates longer names silently, and would then read or write another object.
_MAX_NAME_BYTES = 63

_unescape = re.compile(r"\\([\s\S])").sub


def is_ordinary(text: str) -> bool:
    """Whether a text has only ASCII letters, digits and `_` and begins with no digit, as nearly every name does."""
    return text.isascii() and text.isidentifier()


def read_name(token: str) -> str:
    """Return the name that a token matched by NAME stands for; it may be empty, which `quote` refuses."""
    if token.startswith('"'):
        return _unescape(r"\1", token[1:-1])
    name = token.strip(" ")
    if " " in name and "-" in name:
        return "-".join(part.strip(" ") for part in name.split("-"))
    return name


# Only what is a name is kept, so it is short.
@lru_cache(maxsize=2048)
def quote(name: str) -> str:
    """Return the SQL identifier for exactly this name. Raises GrammarError if PostgreSQL can't have such a name."""
    if is_ordinary(name) and len(name) <= _MAX_NAME_BYTES:
        return f'"{name}"'
    if not name:
        raise GrammarError("a name is empty")
    if "\0" in name:
        raise GrammarError("a name contains a NUL character")
    if len(_encode(name)) > _MAX_NAME_BYTES:
        raise GrammarError("a name is too long", details=f"PostgreSQL's names have at most {_MAX_NAME_BYTES} bytes")
    return '"' + name.replace('"', '""') + '"'


def check_value(value: str) -> str:
    """Return the value if PostgreSQL can store it as text; BadRequest for NUL and lone surrogates."""
    if "\0" in value:
        raise BadRequest("a value contains a NUL character, which PostgreSQL cannot store", code="22021")
    if not value.isascii():
        _encode(value)
    return value


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise BadRequest("the request contains text that is not valid Unicode", code="22021") from exc
