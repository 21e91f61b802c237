"""The rights to one tenant's objects, in a form that depends neither on the tenant's home nor on its id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role, owner_role

# The object's owner; PUBLIC; the tenant's owner role.
SELF, PUBLIC, OWNER = "@self", "", "@owner"
# PostgreSQL's role for the owner of a database, which here is the tenant's owner. It owns the schema `public`.
_DATABASE_OWNER = "=pg_database_owner"
_NAMED = 10


class Entry(NamedTuple):
    """One right, with its grantee and grantor as words of `RoleNames`."""

    grantee: str
    privilege: str
    grantable: bool
    grantor: str


class Thing(NamedTuple):
    """An object, or default privileges, to which rights apply.

    `kind` is the word of GRANT (TABLE, SEQUENCE, ROUTINE, TYPE, SCHEMA, LARGE OBJECT, DATABASE), or COLUMN, POLICY or
    DEFAULT. `schema` is empty for the tenant's main schema, None for a thing outside schemas. `names` holds the thing's
    name, for a column or policy after its table's name; for DEFAULT, the role and PostgreSQL's letter for the kind of
    object that the role makes. `arguments` holds the types of a routine's parameters: `=` and the type's name or, for
    a type in the main schema, `@` and its name there. Of what only has an owner `kind` is the word of ALTER
    (STATISTICS, OPERATOR, COLLATION, …); an operator has the types of its operands, its class or family their method.
    """

    kind: str
    schema: str | None
    names: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name the thing for an operator."""
        return " ".join([self.kind.lower(), ".".join([*([self.schema] if self.schema else []), *self.names])]).strip()


@dataclass(frozen=True, slots=True)
class Rights:
    """How the rights to a thing differ from its initial rights. `owner` is empty if the owner is not compared."""

    owner: str = ""
    granted: frozenset[Entry] = frozenset()
    revoked: frozenset[Entry] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether the thing belongs to the tenant's owner and has its initial rights."""
        return self.owner in {"", OWNER} and not self.granted and not self.revoked

    def among(self, roles: frozenset[str], owners: frozenset[str] = frozenset()) -> "Rights":
        """Keep only the rights between these roles; a thing that another role owns becomes the tenant's owner's.

        :param owners: other roles that keep what they own.
        """
        granted, revoked = (
            frozenset(e for e in entries if {e.grantee, e.grantor} <= roles) for entries in (self.granted, self.revoked)
        )
        if self.owner in owners:
            return replace(self, granted=granted, revoked=revoked)
        if not self.owner.startswith("="):
            # In an adopted database, the tenant's owner also has rights by name to objects of the database's owner.
            # Elsewhere it owns these objects itself.
            by_name = OWNER if self.owner == OWNER else None
            granted = frozenset(e for e in granted if e.grantee != by_name)
            return replace(self, granted=granted, revoked=revoked)
        # The new owner no longer needs the rights that it was granted. What it had granted, it now grants as the owner.
        kept = (e for e in granted if e.grantee != OWNER)
        given = frozenset(e._replace(grantor=SELF) if e.grantor == OWNER else e for e in kept)
        return Rights(OWNER, given, frozenset(e for e in revoked if e.grantee != SELF))


# The grantee of a policy whose own roles are all left out.
_FOR_OWNER = frozenset({Entry(OWNER, "POLICY", False, PUBLIC)})

type AllRights = Mapping[Thing, Rights]

PLAIN = Rights()


def is_global(thing: Thing) -> bool:
    """Whether the thing is a role's default privileges for all schemas of a database."""
    return thing.kind == "DEFAULT" and thing.schema is None


def notable(rights: AllRights) -> dict[Thing, Rights]:
    """Keep the things whose owner or rights are not the initial ones."""
    return {thing: found for thing, found in rights.items() if not found.is_plain}


def among(rights: AllRights, roles: frozenset[str], owners: frozenset[str] = frozenset()) -> dict[Thing, Rights]:
    """Leave out the rights of roles that are not among these, for every thing; `owners` keep what they own."""
    kept = {t: found.among(roles, owners) for t, found in rights.items() if t.kind != "DEFAULT" or t.names[0] in roles}
    # A policy for other roles only must not become a policy for PUBLIC.
    orphans = {t for t, found in kept.items() if t.kind == "POLICY" and rights[t].granted and not found.granted}
    return notable({t: replace(found, granted=_FOR_OWNER) if t in orphans else found for t, found in kept.items()})


def owns_others(rights: AllRights) -> bool:
    """Whether something belongs to a role that is not the tenant's."""
    return any(found.owner.startswith("=") for found in rights.values())


def others(rights: AllRights) -> set[str]:
    """List the words of the roles in these rights that are not the tenant's."""
    words = {found.owner for found in rights.values()}
    words |= {thing.names[0] for thing in rights if thing.kind == "DEFAULT"}
    for found in rights.values():
        words |= {word for entry in (*found.granted, *found.revoked) for word in (entry.grantee, entry.grantor)}
    return {word for word in words if word.startswith("=")}


def differing(wanted: AllRights, found: AllRights) -> list[str]:
    """Name the things whose rights differ between the two, at most ten."""
    things = sorted(wanted.keys() | found.keys(), key=str)
    return [str(t) for t in things if not _same(wanted.get(t, PLAIN), found.get(t, PLAIN))][:_NAMED]


def _same(one: Rights, other: Rights) -> bool:
    return (one.granted, one.revoked, one.owner or OWNER) == (other.granted, other.revoked, other.owner or OWNER)


class RoleNames:
    """Translates between one tenant's roles and words that fit every tenant; another role's is `=` and its name."""

    def __init__(self, tenant_id: TenantId) -> None:
        """Take the tenant's id."""
        suffixes = {owner_role(tenant_id): OWNER}
        suffixes |= {database_role(tenant_id, role): f"@{role}" for role in TENANT_ROLES if role != "admin"}
        suffixes |= {f"{tenant_id}_login_{letter}": f"@login_{letter}" for letter in "ab"}
        self._words = suffixes
        self._roles = {word: role for role, word in suffixes.items()}

    @property
    def own(self) -> frozenset[str]:
        """The words that have a meaning for every tenant."""
        return frozenset({SELF, PUBLIC, *self._roles})

    def word(self, role: str | None) -> str:
        """Return the word for a role; None is the object's owner, the empty name PUBLIC."""
        if role is None:
            return SELF
        word = self._words.get(role, f"={role}" if role else PUBLIC)
        return OWNER if word == _DATABASE_OWNER else word

    def role(self, word: str) -> str:
        """Return the name of the role that a word means. :raises KeyError: the word means no role."""
        return word[1:] if word.startswith("=") else self._roles[word]


def to_facts(rights: AllRights) -> list[dict[str, Any]]:
    """Write the notable things as JSON values, grouped by their rights."""
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
    """Read back what `to_facts` wrote."""
    return {
        Thing(kind, schema, tuple(names), tuple(arguments)): Rights(
            group["owner"], _entries(group["granted"]), _entries(group["revoked"])
        )
        for group in facts
        for kind, schema, names, arguments in group["things"]
    }


def _entries(found: Iterable[Sequence[Any]]) -> frozenset[Entry]:
    return frozenset(Entry(*entry) for entry in found)
