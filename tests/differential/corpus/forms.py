"""Media types of answers, preferences, and names that need care."""

from itertools import product

from tenantry.domain.tenant import Role
from tests.differential.cases import Case, call, case, delete, get, gets, patch, post

OBJECT = "application/vnd.pgrst.object+json"
ARRAY = "application/vnd.pgrst.array+json"
STRIPPED = ";nulls=stripped"
_PLAN = "application/vnd.pgrst.plan"
_ACCEPTS = {
    "json": "application/json",
    "json-utf8": "application/json; charset=utf-8",
    "any": "*/*",
    "application-any": "application/*",
    "object": OBJECT,
    "object-stripped": OBJECT + STRIPPED,
    "object-short": "application/vnd.pgrst.object",
    "array": ARRAY,
    "array-stripped": ARRAY + STRIPPED,
    "array-short": "application/vnd.pgrst.array;nulls=stripped",
    "csv": "text/csv",
    "csv-utf8": "text/csv; charset=utf-8",
    "csv-or-json": "text/csv, application/json",
    "weights": "text/csv;q=0.5, application/json;q=0.9",
    "unknown": "image/png",
    "unknown-or-json": "image/png, application/json",
    "plain": "text/plain",
    "octets": "application/octet-stream",
    "xml": "text/xml",
    "html": "text/html",
    "browser": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "malformed": "json",
    "openapi": "application/openapi+json",
    "geojson": "application/geo+json",
    "upper-case": "APPLICATION/JSON",
}
_TARGETS = {
    "rows": "ships?select=id,name,built,papers,flags&order=id",
    "row": "ships?select=id,name,built,company_id&id=eq.6",
    "none": "ships?select=id&id=eq.0",
    "scalar": "rpc/answer",
    "set": "rpc/numbers_up_to?n=2",
}
_PREFERENCES = (
    "return=minimal",
    "return=representation",
    "return=everything",
    "count=exact, return=minimal",
    "handling=strict",
    "handling=lenient",
    "handling=strict, nonsense",
    "handling=lenient, nonsense",
    "handling=strict, count=roughly",
    "handling=strict, tx=commit",
    "nonsense",
    "timezone=America/Lima",
    "timezone=Nowhere/Town",
    "handling=strict, timezone=Nowhere/Town",
    "handling=strict, timezone=Asia/Tokyo",
    "tx=commit",
    "tx=rollback",
    "resolution=merge-duplicates",
    "missing=default",
    "count=exact,tx=rollback",
    "count=exact;handling=strict",
    "max-affected=5",
    "handling=strict, max-affected=5",
    "count=exact, count=planned",
    "  count=exact  ,  tx=rollback  ",
)


_TALLY, _COUNT = "application/vnd.tally", "application/vnd.count"
# Media types of the database's own: a target, and what is accepted.
_OWN = {
    "function": ("rpc/greeting?name=x", "text/html"),
    "function-json": ("rpc/greeting?name=x", "application/json"),
    "function-any": ("rpc/greeting?name=x", "*/*"),
    "function-none": ("rpc/greeting?name=x", _TALLY),
    "function-browser": ("rpc/greeting?name=x", _ACCEPTS["browser"]),
    "table": ("notes?order=id", _TALLY),
    "table-filtered": ("notes?order=id&id=gt.1", _TALLY),
    "table-empty": ("notes?id=eq.0", _TALLY),
    "table-star": ("notes?select=*&order=id", _TALLY),
    "table-part": ("notes?select=id&order=id", _TALLY),
    "table-function": ("rpc/jottings", _TALLY),
    "table-either": ("notes?order=id", f"application/vnd.none, {_TALLY}"),
    "other-table": ("buoys", _TALLY),
    "anything": ("notes?order=id", _COUNT),
    "anything-part": ("notes?select=id&limit=2", _COUNT),
}


def _accepted() -> list[Case]:
    found = [
        get(f"accept/{kind}-{name}", target, accept=accept)
        for (kind, accept), (name, target) in product(_ACCEPTS.items(), _TARGETS.items())
    ]
    found += [
        get(
            "accept/csv-odd-values", "samples?select=id,words,names,plain,binary_json,truth&order=id", accept="text/csv"
        ),
        get("accept/csv-embedded", "ships?select=id,companies(name)&order=id", accept="text/csv"),
        get("accept/csv-odd-names", 'Odd Names?select="say \\"hi\\"","comma,name"&order="Row Id"', accept="text/csv"),
        get("accept/csv-count", "ships?select=id&order=id&limit=2", accept="text/csv", prefer="count=exact"),
        get("accept/csv-no-columns", "ships?select=", accept="text/csv"),
        get("accept/object-count", "ships?select=id&id=eq.1", accept=OBJECT, prefer="count=exact"),
        get("accept/object-limit", "ships?select=id&order=id&limit=1", accept=OBJECT),
        get("accept/object-row-function", "rpc/ship?id=2&select=id,name", accept=OBJECT),
        get("accept/object-no-row-function", "rpc/ship?id=0&select=id,name", accept=OBJECT),
        get("accept/object-rows-function", "rpc/all_ships?select=id", accept=OBJECT),
        get(
            "accept/stripped-embedded",
            "ships?select=id,built,companies(name,founded)&order=id",
            accept=ARRAY + STRIPPED,
        ),
        get("accept/stripped-function", "rpc/pairs", accept=ARRAY + STRIPPED),
        get("accept/csv-row-function", "rpc/ship?id=1&select=id,name", accept="text/csv"),
        get("accept/csv-void", "rpc/nothing_stable", accept="text/csv"),
        get("accept/object-void", "rpc/nothing_stable", accept=OBJECT),
    ]
    return found


def _plans() -> list[Case]:
    kinds = {
        "json": f"{_PLAN}+json",
        "text": f"{_PLAN}+text",
        "short": _PLAN,
        "for-object": f'{_PLAN}+json; for="{OBJECT}"',
        "options": f"{_PLAN}+json; options=analyze|verbose|settings|buffers|wal",
        "text-options": f"{_PLAN}+text; options=analyze",
        "unknown-option": f"{_PLAN}+json; options=nothing",
        "for-csv": f'{_PLAN}+text; for="text/csv"',
    }
    found = [get(f"plan/{name}", "ships?select=id&order=id", accept=accept) for name, accept in kinds.items()]
    found += [
        get("plan/function", "rpc/all_ships?select=id", accept=kinds["json"]),
        get("plan/count", "ships?select=id", accept=kinds["json"], prefer="count=exact"),
        post("plan/write", "notes", {"text": "x"}, accept=kinds["json"]),
        post("plan/write-analyzed", "notes", {"text": "x"}, accept=kinds["options"]),
        patch("plan/update-analyzed", "notes?id=eq.1", {"text": "x"}, accept=kinds["text-options"]),
        delete("plan/delete", "notes?id=eq.1", accept=kinds["text"]),
        call("plan/call", "add_note", {"text": "x"}, accept=kinds["options"]),
    ]
    return found


def _preferred() -> list[Case]:
    found = [
        get(f"prefer/{index:02}-{name}", target, prefer=text)
        for index, text in enumerate(_PREFERENCES, 1)
        for name, target in (("read", "ships?select=id,seen&order=id"), ("function", "rpc/answer"))
    ]
    return found + [
        post(f"prefer/{index:02}-write", "notes", {"text": "x"}, prefer=text)
        for index, text in enumerate(_PREFERENCES, 1)
        if "tx=" not in text
    ]


def _methods() -> list[Case]:
    """Every method without a body, on every kind of object."""
    paths = {
        "table": "ships",
        "view": "ferries",
        "grouped-view": "fleet_sizes",
        "trigger-view": "stock_form",
        "materialized": "harbour_traffic",
        "partitioned": "readings",
        "unknown": "nothing",
        "function": "rpc/add",
        "volatile-function": "rpc/add_note",
        "unknown-function": "rpc/nowhere",
        "root": "",
    }
    found = [case(f"method/options-{name}", "OPTIONS", path) for name, path in paths.items()]
    heads = {
        "rows": "ships?select=id&order=id",
        "one": "ships?id=eq.1",
        "none": "ships?id=eq.0",
        "function": "rpc/add?a=1&b=2",
        "error": "ships?nothing=eq.1",
        "unknown": "nothing",
        "beyond": "voyages?offset=1000",
    }
    found += [case(f"method/head-{name}", "HEAD", target) for name, target in heads.items()]
    found += [case(f"method/head-{name}-exact", "HEAD", target, prefer="count=exact") for name, target in heads.items()]
    found += [
        case("method/head-csv", "HEAD", "ships?select=id&order=id", accept="text/csv"),
        case("method/head-object", "HEAD", "ships?select=id", accept=OBJECT),
        case("method/put-function", "PUT", "rpc/answer", body={}),
        case("method/delete-function", "DELETE", "rpc/answer"),
        case("method/patch-function", "PATCH", "rpc/answer", body={}),
        case("method/post-root", "POST", "", body={}),
    ]
    return found


def _odd_names() -> list[Case]:
    columns = {
        "upper": "UPPER",
        "quoted": '"UPPER"',
        "space": "Row Id",
        "space-quoted": '"Row Id"',
        "inner-quotes": r'"say \"hi\""',
        "dot": '"dotted.name"',
        "dot-bare": "dotted.name",
        "comma": '"comma,name"',
        "parenthesis": '"paren(x)"',
        "colon": '"colon:x"',
        "arrow": '"arrow->x"',
        "unicode": "größe",
        "reserved": "select",
        "underscore": "under_score",
        "dash": "dash-ed",
        "dollar": "$price",
    }
    found = [get(f"names/select-{name}", f'Odd Names?select={text}&order="Row Id"') for name, text in columns.items()]
    found += [
        get(f"names/filter-{name}", f"Odd Names?{text}=not.is.null&select=Row Id")
        for name, text in columns.items()
        if name != "reserved"
    ]
    found += [get(f"names/order-{name}", f"Odd Names?select=Row Id&order={text}") for name, text in columns.items()]
    trees = ("dot", "comma", "parenthesis", "space-quoted", "unicode", "dash")
    found += [
        get(f"names/tree-{name}", f'Odd Names?select=Row Id&or=({columns[name]}.is.null,"Row Id".eq.1)&order="Row Id"')
        for name in trees
    ]
    return found


CASES = [
    *_accepted(),
    *(get(f"own/{name}", target, accept=accept) for name, (target, accept) in _OWN.items()),
    post("own/inserted", "notes", {"id": 600, "text": "x"}, prefer="return=representation", accept=_TALLY),
    *_plans(),
    *_preferred(),
    *_methods(),
    *_odd_names(),
    *gets(
        "names",
        unicode_table="häfen?order=id",
        unicode_value="häfen?straße=eq.東京",
        unicode_like="häfen?straße=like.Über*",
        all_odd='Odd Names?order="Row Id"',
        alias_odd='Odd Names?select="a,b":UPPER,"c.d":"dotted.name"&order="Row Id"',
        emoji="häfen?straße=eq.🚢",
        quoted_table='"ships"?select=id',
        dotted_table="public.ships?select=id",
    ),
    get("role/viewer-reads", "ships?select=id&order=id", role=Role.VIEWER),
    get("role/viewer-vault", "vault", role=Role.VIEWER),
    get("role/editor-vault", "vault"),
    get("role/admin-vault", "vault", role=Role.ADMIN),
    get("role/viewer-staff", "staff?order=id", role=Role.VIEWER),
    get("role/viewer-staff-columns", "staff?select=id,name&order=id", role=Role.VIEWER),
    get("role/viewer-staff-filter", "staff?select=id&wage=gt.1", role=Role.VIEWER),
    get("role/viewer-function", "rpc/hidden_sum?a=1", role=Role.VIEWER),
    get("role/admin-function", "rpc/hidden_sum?a=1", role=Role.ADMIN),
    post("role/viewer-writes", "notes", {"text": "x"}, role=Role.VIEWER),
    get("role/who", "rpc/who", role=Role.VIEWER),
    get("role/diaries-of-viewer", "diaries?order=id", role=Role.VIEWER),
]
