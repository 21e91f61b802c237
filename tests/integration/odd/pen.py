"""What a building block of an odd database is written with: a seed's own choices, and names that nobody expects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tenantry.domain.tenant import Isolation, TenantId

_MOST_BYTES = 63
# `%` for psycopg2, `\` and quotes for psql, `--` and `;` for whoever joins statements, a name as long as one may be.
_ODD = (
    "plain",
    "Upper Case",
    'quo"te',
    "apos'trophe",
    "dot.ted",
    "semi;colon -- comment",
    "per%cent %(s)s",
    "back\\slash",
    "Wörter Ω 漢字",
    "new\nline\ttab",
    "select",
    "user",
    "$dollar$",
    "{brace}",
    " space ",
    "@",
    "long" * 20,
    "é" * 40,
)
# Schemas of a tenant's own, where it has a database of its own.
_SCHEMAS = ("other", "Odd schema.1", 'sch"ema;', "table")


def quoted(name: str) -> str:
    """Quote an identifier, as PostgreSQL's `quote_ident` does."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


@dataclass
class Pen:
    """Writes one block. Its choices depend on the seed and its number alone, not on which other blocks there are."""

    rng: Random
    number: int
    isolation: Isolation
    tenant_id: TenantId
    schema: str
    # Quoted: the schema that this block's objects lie in.
    place: str = ""
    _count: int = field(default=0)

    def __post_init__(self) -> None:
        others = self.isolation is Isolation.DATABASE and self.rng.random() < 0.4
        self.place = quoted(self.rng.choice(_SCHEMAS) if others else self.schema)

    @property
    def is_whole(self) -> bool:
        """Whether the tenant has a database, with all that lies in no schema."""
        return self.isolation is Isolation.DATABASE

    @property
    def preamble(self) -> list[str]:
        """The statement that makes the block's schema, where it may have to be made."""
        return [f"CREATE SCHEMA IF NOT EXISTS {self.place}"] if self.place != quoted(self.schema) else []

    def plain(self, hint: str) -> str:
        """Return a new odd name, unquoted; no other of the database's objects has it."""
        self._count += 1
        start = f"{hint}{self.number}_{self._count} "
        odd = (start + self.rng.choice(_ODD)).encode()[:_MOST_BYTES]
        return odd.decode(errors="ignore")

    def name(self, hint: str) -> str:
        """Return a new odd name, quoted."""
        return quoted(self.plain(hint))

    def own(self, hint: str) -> str:
        """Return a new odd name, quoted and with its schema."""
        return f"{self.place}.{self.name(hint)}"

    def role(self, word: str) -> str:
        """Name one of the tenant's roles, quoted: `owner`, `editor` or `viewer`."""
        return quoted(f"{self.tenant_id}_{word}")

    def maybe(self, text: str, chance: float = 0.5) -> str:
        """Return the text, or nothing."""
        return text if self.rng.random() < chance else ""

    def one(self, *choices: Any) -> Any:
        """Choose one."""
        return self.rng.choice(choices)


# A block's statements; each is sent by itself.
type Block = Callable[[Pen], list[str]]
