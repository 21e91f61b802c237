"""Who may do what to the objects of one tenant, in words that are the same wherever it lives and whatever its id is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role, owner_role

# The owner of the object itself; everybody; the tenant's owner.
SELF, PUBLIC, OWNER = "@self", "", "@owner"
# In a schema of PostgreSQL's own making this is whoever owns the database, which is the tenant's owner.
_DATABASE_OWNER = "=pg_database_owner"
_NAMED = 10


class Entry(NamedTuple):
    """One right, and who has given it; roles by the names of `RoleNames`."""

    grantee: str
    privilege: str
    grantable: bool
    grantor: str


class Thing(NamedTuple):
    """Something that rights are about.

    `kind` is the word of GRANT (TABLE, SEQUENCE, ROUTINE, TYPE, SCHEMA, LARGE OBJECT, DATABASE), or COLUMN, POLICY or
    DEFAULT. `schema` is empty for the tenant's main one, None for what lies in none. `names` are its own name, after
    that of its table where it has one; of DEFAULT, the role and the letter of what it makes. `arguments` are types of a
    routine: `=` and the type's name or, in the main schema, `@` and the name there.
    """

    kind: str
    schema: str | None
    names: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name it to an operator."""
        return " ".join([self.kind.lower(), ".".join([*([self.schema] if self.schema else []), *self.names])]).strip()


@dataclass(frozen=True, slots=True)
class Rights:
    """How the rights to something differ from those that it is born with. `owner` is empty where none is compared."""

    owner: str = ""
    granted: frozenset[Entry] = frozenset()
    revoked: frozenset[Entry] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether it belongs to the tenant's owner and has the rights that it was born with."""
        return self.owner in {"", OWNER} and not self.granted and not self.revoked

    def among(self, roles: frozenset[str]) -> "Rights":
        """Leave out the rights of roles that are not among these, and what a stranger owns is the tenant's owner's."""
        granted, revoked = (
            frozenset(e for e in entries if {e.grantee, e.grantor} <= roles) for entries in (self.granted, self.revoked)
        )
        if not self.owner.startswith("="):
            # In an adopted database, what belongs to the database's owner has been given to the tenant's owner by name,
            # too; elsewhere it is the owner's own.
            by_name = OWNER if self.owner == OWNER else None
            granted = frozenset(e for e in granted if e.grantee != by_name)
            return replace(self, granted=granted, revoked=revoked)
        # Its new owner needs no right that it was given before, and gives what the former owner gave.
        kept = (e for e in granted if e.grantee != OWNER)
        given = frozenset(e._replace(grantor=SELF) if e.grantor == OWNER else e for e in kept)
        return Rights(OWNER, given, frozenset(e for e in revoked if e.grantee != SELF))


# Whom a policy of others' is for where those are not known.
_FOR_OWNER = frozenset({Entry(OWNER, "POLICY", False, PUBLIC)})

type AllRights = Mapping[Thing, Rights]

PLAIN = Rights()


def is_global(thing: Thing) -> bool:
    """Whether it is about what a role makes in whatever schema of a database."""
    return thing.kind == "DEFAULT" and thing.schema is None


def notable(rights: AllRights) -> dict[Thing, Rights]:
    """Choose what has other rights than it was born with."""
    return {thing: found for thing, found in rights.items() if not found.is_plain}


def among(rights: AllRights, roles: frozenset[str]) -> dict[Thing, Rights]:
    """Leave out, of everything, the rights of roles that are not among these."""
    kept = {t: found.among(roles) for t, found in rights.items() if t.kind != "DEFAULT" or t.names[0] in roles}
    # A policy that is for nobody but others must not become one for everybody.
    orphans = {t for t, found in kept.items() if t.kind == "POLICY" and rights[t].granted and not found.granted}
    return notable({t: replace(found, granted=_FOR_OWNER) if t in orphans else found for t, found in kept.items()})


def differing(wanted: AllRights, found: AllRights) -> list[str]:
    """Name what has other rights in one than in the other, at most ten."""
    things = sorted(wanted.keys() | found.keys(), key=str)
    return [str(t) for t in things if not _same(wanted.get(t, PLAIN), found.get(t, PLAIN))][:_NAMED]


def _same(one: Rights, other: Rights) -> bool:
    return (one.granted, one.revoked, one.owner or OWNER) == (other.granted, other.revoked, other.owner or OWNER)


class RoleNames:
    """Translates between the roles of one tenant and words for them. Others go by `=` and their name."""

    def __init__(self, tenant_id: TenantId) -> None:
        """Take whose roles."""
        suffixes = {owner_role(tenant_id): OWNER}
        suffixes |= {database_role(tenant_id, role): f"@{role}" for role in TENANT_ROLES if role != "admin"}
        suffixes |= {f"{tenant_id}_login_{letter}": f"@login_{letter}" for letter in "ab"}
        self._words = suffixes
        self._roles = {word: role for role, word in suffixes.items()}

    @property
    def own(self) -> frozenset[str]:
        """The words that mean something for every tenant."""
        return frozenset({SELF, PUBLIC, *self._roles})

    def word(self, role: str | None) -> str:
        """Say the word for a role; None is the object's owner, empty everybody."""
        if role is None:
            return SELF
        word = self._words.get(role, f"={role}" if role else PUBLIC)
        return OWNER if word == _DATABASE_OWNER else word

    def role(self, word: str) -> str:
        """Name the role that a word means. :raises KeyError: none that there is."""
        return word[1:] if word.startswith("=") else self._roles[word]


def to_facts(rights: AllRights) -> list[dict[str, Any]]:
    """Write what is notable as JSON values: things that have the same rights stand together."""
    groups: dict[Rights, list[Thing]] = {}
    for thing, found in sorted(notable(rights).items(), key=lambda item: str(item[0])):
        groups.setdefault(found, []).append(thing)
    return [
        {
            "owner": found.owner,
            "granted": sorted(map(list, found.granted)),
            "revoked": sorted(map(list, found.revoked)),
            "things": [[t.kind, t.schema, list(t.names), list(t.arguments)] for t in things],
        }
        for found, things in groups.items()
    ]


def from_facts(facts: Iterable[Mapping[str, Any]]) -> dict[Thing, Rights]:
    """Read it back."""
    return {
        Thing(kind, schema, tuple(names), tuple(arguments)): Rights(
            group["owner"], _entries(group["granted"]), _entries(group["revoked"])
        )
        for group in facts
        for kind, schema, names, arguments in group["things"]
    }


def _entries(found: Iterable[Sequence[Any]]) -> frozenset[Entry]:
    return frozenset(Entry(*entry) for entry in found)
