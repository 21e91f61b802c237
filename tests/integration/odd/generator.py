"""Makes an odd database from a seed: SQL of blocks that do not need each other, so that any of them may be left out."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.odd.code import CODE
from tests.integration.odd.entangled import ENTANGLED
from tests.integration.odd.others import OTHERS, WHOLE, shut
from tests.integration.odd.pen import Block, Pen
from tests.integration.odd.tables import TABLES

_BLOCKS = 16
_SHUT = 0.1
# Of schemas, how many may have texts that spell the schema's name.
_SPELT = 0.3
_TEXT = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)


@dataclass(frozen=True)
class Written:
    """One block's SQL: its number in the seed, what it is called, and statements that are sent one by one."""

    number: int
    name: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Odd:
    """An odd database: which blocks of a seed it has. The SQL is another for each tenant, whose roles it names."""

    seed: int
    isolation: Isolation
    chosen: tuple[int, ...] = tuple(range(_BLOCKS))

    def with_only(self, numbers: Collection[int]) -> "Odd":
        """Return the same without the other blocks."""
        return Odd(self.seed, self.isolation, tuple(sorted(numbers)))

    def write(self, tenant_id: TenantId, schema: str) -> list[Written]:
        """Write the SQL for a tenant's owner; `schema` is the home's main schema."""
        known = [*TABLES, *CODE, *ENTANGLED, *OTHERS, *(WHOLE if self.isolation is Isolation.DATABASE else [])]
        rng = Random(self.seed)
        order = rng.choices(known, k=_BLOCKS)
        if self.isolation is Isolation.DATABASE and rng.random() < _SHUT:
            # It is backed up and restored, and a clone or a move of it is refused.
            order[-1] = shut
        written = [self._block(number, order[number], tenant_id, schema) for number in self.chosen]
        if self.isolation is Isolation.SCHEMA and Random(f"{self.seed}/spells").random() > _SPELT:
            # A schema that is spelt in a text can't be cloned: every other seed would be refused.
            written = [block for block in written if not any(_spells(text, schema) for text in block.statements)]
        return written

    def _block(self, number: int, block: Block, tenant_id: TenantId, schema: str) -> Written:
        pen = Pen(Random(f"{self.seed}/{number}"), number, self.isolation, tenant_id, schema)
        return Written(number, block.__name__, (*pen.preamble, *block(pen)))


def _spells(statement: str, schema: str) -> bool:
    """Whether a statement has the schema's name in a text, or sets a function's search path."""
    return "search_path" in statement or any(schema in found.group() for found in _TEXT.finditer(statement))


def script(blocks: list[Written]) -> str:
    """Return all as text that psql takes."""
    return "\n".join(
        f"-- {block.number}: {block.name}\n" + "".join(f"{statement};\n" for statement in block.statements)
        for block in blocks
    )
