"""The Accept header: chooses the first form of answer in it that is available."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from tenantry.domain.errors import RequestRefused

_MAX_HEADER = 2_000


class Form(StrEnum):
    """The format of the rows."""

    ARRAY = "array"
    OBJECT = "object"
    CSV = "csv"
    PLAN = "plan"
    OPENAPI = "openapi"
    OPENAPI_3 = "openapi 3"
    # Made by a function or an aggregate of the database's own.
    OWN = "own"
    # The bytes of one column.
    BYTES = "bytes"
    GEOJSON = "geojson"


@dataclass(frozen=True, slots=True)
class Media:
    """`content_type` is the answer's; if it is a query plan, `inner` is the form whose statement is explained.

    `own` is the media type by which the database's own form is found.
    """

    form: Form
    content_type: str
    strip_nulls: bool = False
    inner: Form = Form.ARRAY
    options: tuple[str, ...] = ()
    own: str = ""


class Offer(NamedTuple):
    """What can be had besides the usual: media types of the database's own, the bytes of one column, GeoJSON."""

    own: frozenset[str] = frozenset()
    # Those of them that are made for just this table or function.
    whole: frozenset[str] = frozenset()
    # Whatever is asked for, the database's own form for all media types answers it.
    takes_any: bool = False
    has_bytes: bool = False
    has_geojson: bool = False


type Unwanted = frozenset[str]

USUAL = Offer()
ANY = "*/*"
JSON = Media(Form.ARRAY, "application/json; charset=utf-8")
_OPENAPI = Media(Form.OPENAPI, "application/openapi+json; charset=utf-8")
_OPENAPI_3 = Media(Form.OPENAPI_3, "application/openapi+json;version=3.0; charset=utf-8")
_OPENAPI_VERSION = re.compile(r"([23])(?:\.0(?:\.\d)?)?")
_CSV = Media(Form.CSV, "text/csv; charset=utf-8")
_OURS = "application/vnd.pgrst."
_OBJECT = f"{_OURS}object"
_ARRAY = f"{_OURS}array"
_PLAN = f"{_OURS}plan"
_OCTETS = "application/octet-stream"
# Of what there always is, in the order in which a range chooses.
_COMMON = ("application/json", "text/csv")
# Those whose character set PostgREST names.
_TEXTS = frozenset({"application/json", "application/geo+json", "text/csv", "text/plain", "text/xml"})
# RFC 6838, as the catalogue's query has it.
_is_media_type = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*").fullmatch
_PLAN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")

_is_weight = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?").fullmatch
_LEAST = 0.0001


@lru_cache(maxsize=256)
def negotiate(accept: str, *, plans: bool, root: bool = False, offer: Offer = USUAL) -> Media:
    """Choose the first available form, by weight and then by order.

    :param plans: whether the tenant may see the query plans of its statements.
    :param offer: what there is besides the usual forms.
    :param root: whether the description of the API is asked for, not rows.
    :raises RequestRefused: with PGRST107, no form is available.
    """
    if not accept:
        if offer == USUAL:
            return _OPENAPI if root else JSON
        accept = ANY
    asked = [part.strip() for part in _split(accept[:_MAX_HEADER], ",")]
    # A weight of nothing says that the form is not wanted, whatever else is.
    unwanted = frozenset(_kind(part) for part in asked if not _weight(part))
    for part in sorted(filter(_weight, asked), key=_weight, reverse=True):
        media = _root(part) if root else _media(part, plans, offer, unwanted)
        if media:
            return media
    names = ", ".join(_split(part, ";")[0].strip() if "vnd.pgrst" not in part else part for part in asked)
    raise RequestRefused(f"None of these media types are available: {names[:200]}", code="PGRST107")


def _split(text: str, separator: str) -> list[str]:
    """Split where the separator is not in quotes."""
    parts, quoted = [""], False
    for character in text:
        quoted ^= character == '"'
        if character == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _weight(part: str) -> float:
    """Read a form's weight, as RFC 9110 writes it; what is none comes after all others."""
    for parameter in _split(part, ";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            return float(value) if _is_weight(value) else _LEAST
    return 1.0


def _root(part: str) -> Media | None:
    kind, *rest = [word.strip() for word in _split(part, ";")]
    if kind.lower() == "application/openapi+json":
        version = _OPENAPI_VERSION.fullmatch(dict(map(_parameter, rest)).get("version", "2.0"))
        return {"2": _OPENAPI, "3": _OPENAPI_3}[version[1]] if version else None
    return _OPENAPI if kind.lower() in ("*/*", "application/*", "application/json") else None


def _kind(part: str) -> str:
    return _split(part, ";")[0].strip().lower()


def _media(part: str, plans: bool, offer: Offer, unwanted: Unwanted = frozenset()) -> Media | None:
    kind, *rest = [word.strip() for word in _split(part, ";")]
    kind = kind.lower()
    parameters = dict(_parameter(word) for word in rest)
    strip = parameters.get("nulls") == "stripped"
    if kind in (_OBJECT, f"{_OBJECT}+json"):
        return Media(Form.OBJECT, _typed(f"{_OBJECT}+json", strip), strip)
    if kind in (_ARRAY, f"{_ARRAY}+json"):
        return Media(Form.ARRAY, _typed(f"{_ARRAY}+json", strip), strip) if strip else JSON
    if kind.startswith(_PLAN):
        return _plan(kind, parameters, offer) if plans else None
    if kind.endswith("/*"):
        return _of_range(kind, offer, unwanted)
    return _own(kind, offer) or _usual(kind, offer)


def _of_range(kind: str, offer: Offer, unwanted: Unwanted) -> Media | None:
    """Choose among all that is in a range: what is made for just these rows, the usual, what is made for any rows."""
    if own := _own(ANY, offer) if kind == ANY or offer.takes_any else None:
        return own
    names = _COMMON if kind == ANY else (*sorted(offer.whole), *_COMMON, *sorted(offer.own))
    for name in names:
        family = f"{name.partition('/')[0]}/*"
        # Ours are in no range, and so is no domain that is called like one of them.
        if kind not in (ANY, family) or name.startswith(_OURS) or not unwanted.isdisjoint((name, family)):
            continue
        if media := (_own(name, offer) if kind != ANY else None) or _usual(name, offer):
            return media
    return None


def _usual(kind: str, offer: Offer) -> Media | None:
    if kind == "application/json":
        return JSON
    if kind == "text/csv":
        return _CSV
    if kind == _OCTETS and offer.has_bytes:
        return Media(Form.BYTES, _OCTETS)
    if kind == "application/geo+json" and offer.has_geojson:
        return Media(Form.GEOJSON, f"{kind}; charset=utf-8")
    return None


def _own(kind: str, offer: Offer) -> Media | None:
    """Choose what the database makes itself."""
    name = ANY if offer.takes_any else kind if kind in offer.own else None
    # It becomes a header.
    if name is None or not (name == ANY or _is_media_type(name)):
        return None
    content_type = f"{name}; charset=utf-8" if name in _TEXTS else name
    return Media(Form.OWN, _OCTETS if name == ANY else content_type, own=name)


def _parameter(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name.lower(), value.strip('"')


def _typed(kind: str, strip: bool) -> str:
    return f"{kind};nulls=stripped; charset=utf-8" if strip else f"{kind}; charset=utf-8"


def _plan(kind: str, parameters: dict[str, str], offer: Offer) -> Media | None:
    if kind not in (_PLAN, f"{_PLAN}+json", f"{_PLAN}+text"):
        return None
    as_json = kind.endswith("+json")
    inner = _media(parameters.get("for", "application/json"), False, offer)
    if inner is None:
        return None
    wanted = parameters.get("options", "").lower().split("|")
    options = tuple(option for option in _PLAN_OPTIONS if option in wanted)
    shape = "json" if as_json else "text"
    target = inner.content_type.partition("; charset")[0]
    told = f"; options={'|'.join(options)}" if options else ""
    content_type = f'{_PLAN}+{shape}; for="{target}"{told}; charset=utf-8'
    words = (f"FORMAT {shape.upper()}", *(option.upper() for option in options))
    return Media(Form.PLAN, content_type, inner.strip_nulls, inner.form, words, inner.own)
