"""Finds functions whose text names something of the tenant's: in a copy beside, they would mean what is live.

PostgreSQL notes what an expression needs, and not what a text says. A name counts wherever it stands in the text, as a
whole word: to leave out a default once too often is better than a copy that reads live tables.
"""

import re
from collections.abc import Sequence
from typing import Any

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql

_WORDS = re.compile(r'"((?:[^"]|"")+)"|(\w+)')
# What is put together when it runs may name anything.
_DYNAMIC = "execute"


def find_speaking(cursor: Any, functions: Sequence[int]) -> list[tuple[int, int]]:
    """Find those of the given functions whose text names something of the tenant's: catalogue and oid of each.

    :param cursor: with only `pg_catalog` in search_path.
    :raises StatementFailed: the server refused.
    """
    execute(cursor, load_sql("restores/function_texts"), {"functions": list(functions)})
    texts = cursor.fetchall()
    if not texts:
        return []
    execute(cursor, load_sql("restores/own_names"))
    names = {name for (name,) in cursor.fetchall()}
    return [(catalogue, oid) for catalogue, oid, own, text in texts if _says_any_of(text, (names - {own}) | {_DYNAMIC})]


def _says_any_of(text: str, names: set[str]) -> bool:
    """Tell whether a text has one of the names, with or without quotes, in any spelling."""
    said = {quoted.replace('""', '"') or word for quoted, word in _WORDS.findall(text)}
    # In other languages, double quotes are around whole statements.
    said |= {word for _, word in _WORDS.findall(text.replace('"', " "))}
    return not names.isdisjoint(said | {word.lower() for word in said})
