"""Full-text search."""

from itertools import product

from tests.differential.cases import Case, get

_QUERIES = {
    "fts": ("ship", "ship %26 wind", "ship | tide", "!ship"),
    "plfts": ("small ships", "tide"),
    "phfts": ("small ships", "ships small"),
    "wfts": ("tide or wind", '"low tide"', "ships -wind"),
}
_CONFIGURATIONS = ("", "(english)", "(simple)", "(norwegian)")


def _on_vector() -> list[Case]:
    return [
        get(
            f"search/{negation}{operator}{configuration}-{index}",
            f"documents?select=id&order=id&words={negation.replace('-', '.')}{operator}{configuration}.{query}",
        )
        for operator, configuration, negation in product(_QUERIES, _CONFIGURATIONS, ("", "not-"))
        for index, query in enumerate(_QUERIES[operator], 1)
    ]


_OTHERS = {
    "text-column": "body=fts.tide",
    "text-column-configured": "body=wfts(english).tides",
    "text-column-norwegian": "body=plfts(norwegian).fersk fisk",
    "json-column": "data=fts.wind",
    "json-path-text": "data->>text=fts.anchor",
    "json-path-text-configured": "data->>text=plfts(english).anchors chains",
    "unknown-configuration": "words=fts(klingon).ship",
    "empty-configuration": "words=fts().ship",
    "open-configuration": "words=fts(english.ship",
    "syntax": "words=fts.ship wind",
    "empty": "words=fts.",
    "in-tree": "or=(words.fts(english).anchor,words.plfts.low tide)",
    "in-tree-configured": "or=(words.wfts(english).tides,title.eq.Blank)",
    "integer-column": "id=fts.1",
    "not-in-tree": "and=(words.not.fts.ship,words.not.fts.tide)",
}
CASES = [
    *_on_vector(),
    *(get(f"search/{name}", f"documents?select=id&order=id&{text}") for name, text in _OTHERS.items()),
]
