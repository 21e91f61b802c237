"""The size of an answer: limits, ranges and counts."""

from itertools import product

from tenantry.domain.tenant import Role
from tests.differential.cases import Case, get, gets

_RANGES = {
    "first": "0-9",
    "middle": "100-109",
    "one": "5-5",
    "open": "350-",
    "beyond": "400-410",
    "beyond-open": "1000-",
    "over-the-end": "355-500",
    "reversed": "10-0",
    "suffix": "-5",
    "malformed": "first-ten",
    "unit": "items=0-4",
    "empty": "",
    "zero": "0-0",
    "two": "0-4,10-14",
    "large": "0-99999999999",
}
_COUNTS = ("exact", "planned", "estimated")


def _ranges() -> list[Case]:
    found = []
    for name, text in _RANGES.items():
        found.append(get(f"range/{name}", "voyages?select=id&order=id", range=text, range_unit="items"))
        found.append(
            get(
                f"range/{name}-exact",
                "voyages?select=id&order=id",
                range=text,
                prefer="count=exact",
                range_unit="items",
            )
        )
    found += [
        get("range/no-unit", "voyages?select=id&order=id", range="0-4"),
        get("range/other-unit", "voyages?select=id&order=id", range="0-4", range_unit="bytes"),
        get("range/and-limit", "voyages?select=id&order=id&limit=3", range="0-9"),
        get("range/and-offset", "voyages?select=id&order=id&offset=3", range="0-9"),
        get("range/and-both", "voyages?select=id&order=id&limit=20&offset=5", range="0-9"),
        get("range/disjoint", "voyages?select=id&order=id&offset=50", range="0-9"),
        get("range/of-function", "rpc/numbers_up_to?n=30", range="5-9", prefer="count=exact"),
        get("range/of-void", "rpc/nothing_stable", range="5-9", prefer="count=exact"),
    ]
    return found


def _limits() -> list[Case]:
    texts = {
        "zero": "limit=0",
        "one": "limit=1",
        "many": "limit=5000",
        "offset": "offset=355",
        "both": "limit=5&offset=10",
        "beyond": "offset=400",
        "end": "offset=360",
        "negative": "limit=-1",
        "negative-offset": "offset=-1",
        "text": "limit=ten",
        "text-offset": "offset=ten",
        "empty": "limit=",
        "decimal": "limit=1.5",
        "huge": "limit=99999999999999999999",
        "huge-offset": "offset=99999999999999999999",
        "twice": "limit=2&limit=3",
        "zero-with-offset": "limit=0&offset=5",
        "spaces": "limit= 5",
    }
    target = "voyages?select=id&order=id&"
    found = [get(f"limit/{name}", target + text) for name, text in texts.items()]
    found += [get(f"limit/{name}-exact", target + text, prefer="count=exact") for name, text in texts.items()]
    return found


def _counts() -> list[Case]:
    targets = {
        "all": "voyages?select=id&order=id&limit=3",
        "filtered": "voyages?select=id&order=id&ship_id=eq.2&limit=3",
        "none": "voyages?select=id&id=eq.0",
        "everything": "ships?select=id&order=id",
        "view": "voyage_list?select=id&order=id",
        "zero": "voyages?select=id&limit=0",
        "embedded": "ships?select=id,voyages(id)&order=id&voyages.limit=1&voyages.order=id",
        "inner": "ships?select=id,voyages!inner()&order=id&voyages.days=eq.8",
    }
    found = [
        get(f"count/{kind}-{name}", target, prefer=f"count={kind}")
        for (name, target), kind in product(targets.items(), _COUNTS)
    ]
    found += [
        get("count/unknown", "ships?select=id&order=id", prefer="count=roughly"),
        get("count/function", "rpc/numbers_up_to?n=5", prefer="count=exact"),
        get("count/function-limit", "rpc/numbers_up_to?n=30&limit=5", prefer="count=exact"),
        get("count/scalar-function", "rpc/answer", prefer="count=exact"),
        get("count/rows-function", "rpc/all_ships?select=id&order=id&limit=2", prefer="count=exact"),
        get("count/filtered-function", "rpc/all_ships?select=id&order=id&kind=eq.ferry", prefer="count=exact"),
        get("count/planned-function", "rpc/all_ships?select=id&order=id&limit=2", prefer="count=planned"),
        get("count/policies", "diaries?select=id&order=id", prefer="count=exact"),
        get("count/as-viewer", "ships?select=id&order=id", prefer="count=exact", role=Role.VIEWER),
    ]
    return found


CASES = [
    *_ranges(),
    *_limits(),
    *_counts(),
    *gets(
        "limit",
        long_select="voyages?select=id,ship_id,days&order=days.nullsfirst,id.desc&limit=7&offset=14",
        of_function="rpc/many_voyages?select=id&order=id&limit=4&offset=2",
        of_function_beyond="rpc/many_voyages?select=id&order=id&offset=900",
        of_scalars="rpc/numbers_up_to?n=9&limit=3&offset=2",
        all_rows="voyages?select=id&order=id",
    ),
]
