"""How everything in one home is defined, in a form that is small, and that can be compared with a copy's.

An object's name and definition do not depend on the home's own schema, which names write as `@`.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_NAMED = 10
_COMMENT = "comment"
# What is of another object is named after that.
_PARTS = frozenset({"column", _COMMENT})
# Beside the objects' names these are a manifest's largest part: it is read whole by all who list backups.
_DIGEST_BYTES = 4
MAIN = "@"
_MAIN = re.compile(r"(^|[ (])@(?=\.|$)")


# An object's kind and name.
type Named = tuple[str, str]


class Definition(NamedTuple):
    """Digests of an object's definition.

    `plain` is of what every version of PostgreSQL writes alike; `written` of expressions and statements, which are
    comparable between servers of one major version only. It is empty for an object that has none.
    """

    plain: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class KindDigest:
    """All objects of one kind: how many there are, and digests of their names and definitions, as in `Definition`.

    `objects` holds each one's by its name; None: there are too many to be told apart.
    """

    count: int
    plain: str
    written: str
    objects: Mapping[str, Definition] | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All objects of one home by kind. `major` is the major version of the server that wrote the definitions."""

    major: int = 0
    kinds: Mapping[str, KindDigest] = field(default_factory=dict)

    def differences(self, other: "Fingerprint", schema: str, without: Collection[Named] = ()) -> list[str]:
        """Name what is defined in one way here and in another there, or only in one of the two; at most ten.

        :param schema: the name of the main schema, for the answer.
        :param without: kinds and names of objects that need not be there.
        """
        is_same_major = self.major == other.major
        found: list[str] = []
        for kind in sorted(self.kinds.keys() | other.kinds.keys(), key=lambda kind: (kind in _PARTS, kind)):
            one, two = (side.kinds.get(kind, _NONE) for side in (self, other))
            found += (
                f"{kind} {shown_name(name, schema)}".strip()
                for name in _differing(one, two, is_same_major)
                if not _is_of(kind, name, without)
            )
        return found[:_NAMED]

    def names_only(self) -> "Fingerprint":
        """Forget how objects are defined, and what is said of them."""
        kinds = {kind: found for kind, found in self.kinds.items() if kind != _COMMENT}
        return Fingerprint(
            self.major,
            {
                kind: _digest_of(dict.fromkeys(found.objects, Definition("")))
                if found.objects is not None
                else KindDigest(found.count, "", "")
                for kind, found in kinds.items()
            },
        )

    def bounded(self, most: int) -> "Fingerprint":
        """Keep the names of so many objects, those of the kinds with the fewest first."""
        kinds: dict[str, KindDigest] = {}
        for kind, found in sorted(self.kinds.items(), key=lambda item: item[1].count):
            most -= found.count
            kinds[kind] = found if most >= 0 else KindDigest(found.count, found.plain, found.written)
        return Fingerprint(self.major, dict(sorted(kinds.items())))

    def to_facts(self) -> dict[str, Any]:
        """Return it as JSON values; an object's digests are joined by a dot."""
        return {
            "major": self.major,
            "kinds": [
                {
                    "kind": kind,
                    "count": found.count,
                    "plain": found.plain,
                    "written": found.written,
                    "objects": _to_text(found.objects),
                }
                for kind, found in self.kinds.items()
            ],
        }


# Where there is none of a kind, all of them are known.
_NONE = KindDigest(0, "", "", {})


def fingerprint_of(major: int, objects: Iterable[tuple[str, str, Definition]]) -> Fingerprint:
    """Make a fingerprint of objects: the kind, the name and the definition of each."""
    kinds: dict[str, dict[str, Definition]] = {}
    for kind, name, definition in objects:
        named = kinds.setdefault(kind, {})
        named[name] = definition if name not in named else _together(named[name], definition)
    return Fingerprint(major, {kind: _digest_of(named) for kind, named in sorted(kinds.items())})


def from_facts(facts: Mapping[str, Any]) -> Fingerprint:
    """Read back what `to_facts` wrote."""
    return Fingerprint(
        facts["major"],
        {
            found["kind"]: KindDigest(found["count"], found["plain"], found["written"], _from_text(found["objects"]))
            for found in facts["kinds"]
        },
    )


def short_digest(text: str) -> str:
    """Digest a text, long enough to tell that one object was changed by accident."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()


def shown_name(name: str, schema: str) -> str:
    """Write the main schema's name where an object's name leaves it out."""
    return _MAIN.sub(lambda found: f"{found[1]}{schema}", name)


def _digest_of(objects: Mapping[str, Definition]) -> KindDigest:
    plain, written = hashlib.sha256(), hashlib.sha256()
    for name, definition in sorted(objects.items()):
        line = f"{name}\0{definition.plain}\0".encode(errors="surrogateescape")
        plain.update(line)
        written.update(line + definition.written.encode())
    return KindDigest(len(objects), plain.hexdigest(), written.hexdigest(), objects)


def _together(one: Definition, other: Definition) -> Definition:
    """Join what has one name, whichever comes first."""
    both = sorted((one, other))
    return Definition(short_digest(both[0].plain + both[1].plain), short_digest(both[0].written + both[1].written))


def _is_of(kind: str, name: str, others: Collection[Named]) -> bool:
    """Whether it is one of the others, or what lies in one (a column, say), or the comment on either."""
    if kind == _COMMENT:
        return any(name == " ".join(other) or f" {other[1]}." in name for other in others)
    return any((kind, name) == other or name.startswith(f"{other[1]}.") for other in others)


def _differing(one: KindDigest, two: KindDigest, is_same_major: bool) -> Iterator[str]:
    """Name what differs; an empty name where it can't be told what does."""
    if one.objects is not None and two.objects is not None:
        for name in sorted(one.objects.keys() | two.objects.keys()):
            if not _is_same(one.objects.get(name), two.objects.get(name), is_same_major):
                yield name
    elif (one.count, one.plain) != (two.count, two.plain) or (is_same_major and one.written != two.written):
        yield ""


def _is_same(one: Definition | None, two: Definition | None, is_same_major: bool) -> bool:
    if one is None or two is None:
        return False
    return one == two if is_same_major else one.plain == two.plain


def _to_text(objects: Mapping[str, Definition] | None) -> dict[str, str] | None:
    if objects is None:
        return None
    return {name: f"{found.plain}.{found.written}".removesuffix(".") for name, found in objects.items()}


def _from_text(objects: Mapping[str, str] | None) -> dict[str, Definition] | None:
    if objects is None:
        return None
    return {name: Definition(*text.split(".")) for name, text in objects.items()}
