"""Gives all of a tenant's objects in one home the rights that they had in another.

An administrator writes the rights. A dump can't be used: its rights name their grantors, so only a superuser could
restore them, and only on a server where the roles have the same names.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import batched, groupby
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import sql

from tenantry.contents.rights_reader import read_rights
from tenantry.database.admin_sql import AdminConnect, execute, in_transaction, transaction
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.rights import (
    OWNER,
    PLAIN,
    PUBLIC,
    SELF,
    AllRights,
    Entry,
    Rights,
    RoleNames,
    Thing,
    among,
    differing,
    notable,
    others,
)
from tenantry.domain.tenant import Home, TenantId

_MADE_LATER = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "ROUTINES",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}
# The form of a privilege in GRANT. It is checked because privileges may come from a manifest, which is not trusted.
_PRIVILEGE = re.compile(r"[A-Z][A-Z ]{1,30}")
_STATEMENTS = 200


class _Known(NamedTuple):
    """A role of the server: whether the administrator has its rights, and whether it may own what a tenant has made."""

    is_ours: bool
    may_own: bool


class RightsWriter:
    """Writes the rights of one tenant in one home, as the administrator of its server."""

    def __init__(
        self, connect: AdminConnect, tenant_id: TenantId, home: Home, *, narrow: bool = False, to_database: bool = True
    ) -> None:
        """Take the tenant's home; `narrow` and `to_database` mean the same as for `read_rights`."""
        self._connect = connect
        self._tenant_id = tenant_id
        self._home = home
        self._scope = {"narrow": narrow, "to_database": to_database}
        self._names = RoleNames(tenant_id)

    def read(self) -> dict[Thing, Rights]:
        """Read the present rights. :raises TenantryError: the server refused."""
        with transaction(self._connect, self._home.database) as cursor:
            return self._read(cursor)

    def differences(self, rights: AllRights, *, strangers: bool, partial: bool = False) -> list[str]:
        """Name the things whose rights differ from these; see `write`. :raises TenantryError: the server refused."""
        with transaction(self._connect, self._home.database) as cursor:
            wanted, found = self._wanted(cursor, rights, strangers=strangers), self._read(cursor)
            return differing(_that_are_there(wanted, found) if partial else wanted, notable(found))

    def left_out(self, rights: AllRights, *, strangers: bool) -> list[str]:
        """Name the roles that do not get everything back: they are not there, or would own what a tenant has made.

        :raises TenantryError: the server refused.
        """
        named = others(rights)
        if strangers and named:
            with transaction(self._connect, self._home.database) as cursor:
                known = self._known(cursor)
            owning = {found.owner for found in rights.values()}
            named = {word for word in named if word not in known or (word in owning and not known[word].may_own)}
        return sorted(map(self._names.role, named))

    def write(self, rights: AllRights, *, strangers: bool, partial: bool = False) -> list[str]:
        """Give the existing things these rights, in one transaction.

        :param strangers: also give rights to roles other than the tenant's own, if they exist on the server.
        :param partial: ignore things that do not exist in the home.
        :returns: the names of the things whose rights still differ.
        :raises TenantryError: the server refused; nothing is changed.
        """

        def work(cursor: Any) -> list[str]:
            execute(cursor, "SET LOCAL search_path = pg_catalog, pg_temp")
            wanted, found = self._wanted(cursor, rights, strangers=strangers), self._read(cursor)
            there = _that_are_there(wanted, found)
            wanted = there if partial else wanted
            present = dict.fromkeys(found, PLAIN) | there
            for changes in (self._owners, self._prepare, self._grants, self._revocations):
                if self._run(cursor, changes(present, found)):
                    found = self._read(cursor)
            return differing(wanted, found)

        return in_transaction(self._connect, self._home.database, work)

    def _read(self, cursor: Any) -> dict[Thing, Rights]:
        try:
            return read_rights(cursor, self._tenant_id, self._home, **self._scope)
        except psycopg2.Error as exc:
            raise translate(exc) from exc

    def _wanted(self, cursor: Any, rights: AllRights, *, strangers: bool) -> dict[Thing, Rights]:
        """Leave out unknown roles, and default privileges of roles for which the administrator can't set them."""
        known = self._known(cursor)
        roles, owners = self._names.own, frozenset[str]()
        if strangers:
            roles |= known.keys()
            owners = frozenset(word for word, role in known.items() if word.startswith("=") and role.may_own)
        wanted = among(rights, roles, owners)
        kept = {word for word, role in known.items() if role.is_ours}
        return {t: found for t, found in wanted.items() if t.kind != "DEFAULT" or t.names[0] in kept}

    def _known(self, cursor: Any) -> dict[str, _Known]:
        execute(cursor, load_sql("contents/known_roles"))
        return {self._names.word(name): _Known(*facts) for name, *facts in cursor.fetchall()}

    def _run(self, cursor: Any, statements: Iterable[sql.Composable]) -> bool:
        """Run the statements; returns whether there were any."""
        has_run = False
        for some in batched(statements, _STATEMENTS, strict=False):
            execute(cursor, sql.SQL("; ").join(some))
            has_run = True
        return has_run

    def _owners(self, wanted: AllRights, found: AllRights) -> Iterator[sql.Composable]:
        changed = [
            (thing, rights.owner or OWNER)
            for thing, rights in wanted.items()
            if (has := found.get(thing, PLAIN).owner) and has != (rights.owner or OWNER)
        ]
        # A sequence that fills a column changes its owner with its table; an attempt to change it before is refused.
        changed.sort(key=lambda change: change[0].kind == "SEQUENCE")
        # An administrator who is not a superuser can only give an object to a role that could have created it.
        yield from self._lend("CREATE, USAGE", {(owner, thing.schema) for thing, owner in changed})
        for thing, owner in changed:
            alter = sql.SQL(f"ALTER {thing.kind} {{}} OWNER TO {{}}")
            yield alter.format(self._spell(thing), self._role(owner))

    def _prepare(self, wanted: AllRights, found: AllRights) -> Iterator[sql.Composable]:
        """Revoke excess rights, and lend the roles that pass on rights the USAGE on the schema that this takes."""
        # Taking a right back takes it, too, and it may be among those that are revoked.
        excess = {(e.grantor, t.schema) for t, r in found.items() for e in r.granted - wanted.get(t, r).granted}
        yield from self._lend("USAGE", {place for place in excess if place[0] != SELF})
        yield from self._revocations(wanted, found)
        passing = {(e.grantor, t.schema) for t, r in wanted.items() for e in r.granted if e.grantor != SELF}
        yield from self._lend("USAGE", passing)

    def _lend(self, privileges: str, places: set[tuple[str, str | None]]) -> Iterator[sql.Composable]:
        """Grant roles rights to schemas for the time of the change; `_revocations` takes the unwanted ones back."""
        for role, schema in sorted(places, key=str):
            if schema is not None:
                grant = sql.SQL(f"GRANT {privileges} ON SCHEMA {{}} TO {{}}")
                yield grant.format(sql.Identifier(schema or self._home.schema), self._role(role))

    def _revocations(self, wanted: AllRights, found: AllRights) -> Iterator[sql.Composable]:
        """Revoke excess rights: who has passed one on takes it back before it loses its own, and with it the option."""
        revocations: list[tuple[int, sql.Composable]] = []
        for thing, rights in wanted.items():
            has = found.get(thing, PLAIN)
            if thing.kind != "POLICY":
                excess = (has.granted - rights.granted) | (rights.revoked - has.revoked)
                revocations += self._changes("REVOKE", thing, excess, _owner(thing, found))
        for _, statement in sorted(revocations, key=lambda revocation: -revocation[0]):
            yield statement

    def _grants(self, wanted: AllRights, found: AllRights) -> Iterator[sql.Composable]:
        """Grant the missing rights; a role passes a right on only after it was granted that right itself."""
        grants: list[tuple[int, sql.Composable]] = []
        for thing, rights in wanted.items():
            has = found.get(thing, PLAIN)
            if thing.kind != "POLICY":
                missing = (rights.granted - has.granted) | (has.revoked - rights.revoked)
                grants += self._changes("GRANT", thing, missing, _owner(thing, found))
            elif (has.granted, has.revoked) != (rights.granted, rights.revoked):
                roles = [self._role(e.grantee) for e in sorted(rights.granted)] or [sql.SQL("PUBLIC")]
                alter = sql.SQL("ALTER POLICY {} ON {} TO {}")
                names = sql.Identifier(thing.names[1]), self._spell(thing), sql.SQL(", ").join(roles)
                grants.append((0, alter.format(*names)))
        for _, statement in sorted(grants, key=lambda grant: grant[0]):
            yield statement

    def _changes(
        self, verb: str, thing: Thing, entries: frozenset[Entry], owner: str
    ) -> Iterator[tuple[int, sql.Composable]]:
        """Yield the statements that grant or revoke the entries, each with its number of hands (see `_hands`)."""

        def order(entry: Entry) -> tuple[int, str, str, bool]:
            return _hands(entry, entries), entry.grantor, entry.grantee, entry.grantable

        for (hands, grantor, grantee, grantable), same in groupby(sorted(entries, key=order), order):
            privileges = [e.privilege for e in same if _PRIVILEGE.fullmatch(e.privilege)]
            whom = self._role(owner if grantee == SELF else grantee)
            statement = self._statement(verb, thing, privileges, whom, grantable=grantable)
            if hands:
                become = sql.SQL("SET LOCAL ROLE {}; {}; SET LOCAL ROLE NONE")
                statement = become.format(self._role(grantor), statement)
            yield hands, statement

    def _statement(
        self, verb: str, thing: Thing, privileges: list[str], whom: sql.Composable, *, grantable: bool
    ) -> sql.Composable:
        column = sql.SQL(" ({})").format(sql.Identifier(thing.names[1])) if thing.kind == "COLUMN" else sql.SQL("")
        what = sql.SQL(", ").join(sql.SQL(privilege) + column for privilege in privileges)
        prefix: sql.Composable = sql.SQL("")
        kind = "TABLE" if thing.kind == "COLUMN" else thing.kind
        if thing.kind == "DEFAULT":
            place = sql.SQL(" IN SCHEMA {}").format(self._schema(thing)) if thing.schema is not None else sql.SQL("")
            prefix = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{} ").format(self._role(thing.names[0]), place)
            target: sql.Composable = sql.SQL(_MADE_LATER[thing.names[1]])
        else:
            target = sql.SQL(f"{kind} ") + self._spell(thing)
        ends = {"GRANT": " WITH GRANT OPTION" if grantable else "", "REVOKE": " CASCADE"}
        return prefix + sql.SQL("{} {} ON {} {} {}{}").format(
            sql.SQL(verb),
            what,
            target,
            sql.SQL("TO" if verb == "GRANT" else "FROM"),
            whom,
            sql.SQL(ends[verb]),
        )

    def _spell(self, thing: Thing) -> sql.Composable:
        match thing.kind:
            case "SCHEMA":
                return self._schema(thing)
            case "DATABASE":
                return sql.Identifier(self._home.database)
            case "LARGE OBJECT":
                return sql.SQL(str(int(thing.names[0])))
        # An operator has no quotes; this one is there, so its name is an operator's.
        own = sql.SQL(thing.names[0]) if thing.kind == "OPERATOR" else sql.Identifier(thing.names[0])
        name = self._schema(thing) + sql.SQL(".") + own
        # The types are spelt as the server that is written to has spelt them.
        types = sql.SQL(", ").join(map(self._type, thing.arguments))
        if thing.kind in {"ROUTINE", "OPERATOR"}:
            return name + sql.SQL("(") + types + sql.SQL(")")
        return name + sql.SQL(" USING ") + types if thing.arguments else name

    def _type(self, argument: str) -> sql.Composable:
        main = [sql.Identifier(self._home.schema), sql.SQL(".")] if argument.startswith("@") else []
        return sql.Composed([*main, sql.SQL(argument[1:])])

    def _schema(self, thing: Thing) -> sql.Composable:
        return sql.Composed([sql.Identifier(thing.schema or self._home.schema)])

    def _role(self, word: str) -> sql.Composable:
        return sql.SQL("PUBLIC") if word == PUBLIC else sql.Identifier(self._names.role(word))


def _that_are_there(wanted: AllRights, found: AllRights) -> dict[Thing, Rights]:
    return {thing: rights for thing, rights in wanted.items() if _can_have(thing, found)}


def _can_have(thing: Thing, found: AllRights) -> bool:
    """Whether the thing exists: a column without rights of its own is not listed, but exists if its table does."""
    if thing.kind == "DEFAULT":
        return thing.names[1] in _MADE_LATER
    return thing in found or (thing.kind == "COLUMN" and _table(thing) in found)


def _table(thing: Thing) -> Thing:
    return Thing("TABLE", thing.schema, thing.names[:1])


def _owner(thing: Thing, found: AllRights) -> str:
    """Return the owner of a thing: for a column its table's owner, for default privileges the role that has them."""
    if thing.kind == "DEFAULT":
        return thing.names[0]
    whole = _table(thing) if thing.kind == "COLUMN" else thing
    return found.get(whole, PLAIN).owner or OWNER


def _hands(entry: Entry, entries: frozenset[Entry], seen: frozenset[Entry] = frozenset()) -> int:
    """Count the roles that passed a right on before this grant; 0 if the owner granted it."""
    if entry.grantor == SELF:
        return 0
    givers = [e for e in entries - seen if e.grantee == entry.grantor and e.privilege == entry.privilege]
    return 1 + max((_hands(e, entries, seen | {entry}) for e in givers), default=0)
