"""Every operator on every type: plain, negated and with quantifiers."""

from itertools import product

from tests.differential.cases import Case, get

# Of each column a value that some row has, and one that is not of its type.
_VALUES = {
    "small": ("7", "many"),
    "big": ("9007199254740993", "9e99"),
    "real": ("1.5", "x"),
    "double": ("2.25", "1,5"),
    "exact": ("10.5", "ten"),
    "truth": ("true", "perhaps"),
    "words": ("Alpha one", ""),
    "short": ("beta", "longer than twelve"),
    "padded": ("bb", "  "),
    "day": ("2021-03-04", "2021-02-30"),
    "hour": ("08:15", "25:00"),
    "moment": ("2021-03-04T05:06:07", "soon"),
    "instant": ("2021-03-04T05:06:07.123456Z", "2021-13-01"),
    "span": ("1 day 02:00", "a while"),
    "ident": ("00000000-0000-4000-8000-000000000001", "1"),
    "plain": ('"text"', "{"),
    "binary_json": ('[1, 2, {"k": "v"}]', "{"),
    "numbers": ("{1,2,3}", "1,2"),
    "names": ("{red,green}", "{"),
    "int_range": ("[1,5)", "[5,1)"),
    "day_range": ("[2021-01-01,2021-02-01)", "(,"),
    "vector": ("cat:2 fat:1A", "'"),
    "kind": ("tug", "canoe"),
    "call": ("AB", "lower"),
    "raw": (r"\x00ff10", r"\x0"),
    "address": ("10.0.0.1", "10.0.0.256"),
    "place": ("(1.5,2.5)", "(1"),
}
_COMPARING = ("eq", "neq", "gt", "gte", "lt", "lte")
_ORDERED = ("small", "double", "exact", "words", "padded", "day", "instant", "span", "kind", "numbers", "int_range")


def _samples(identity: str, filters: str) -> Case:
    return get(f"operators/{identity}", f"samples?select=id&order=id&{filters}")


def _comparisons() -> list[Case]:
    """Equality on all types; the rest on those that PostgreSQL orders in different ways."""
    found = [_samples(f"eq-{column}", f"{column}=eq.{value}") for column, (value, _) in _VALUES.items()]
    found += [_samples(f"not-eq-{column}", f"{column}=not.eq.{value}") for column, (value, _) in _VALUES.items()]
    found += [_samples(f"eq-{column}-malformed", f"{column}=eq.{wrong}") for column, (_, wrong) in _VALUES.items()]
    found += [
        _samples(f"isdistinct-{column}", f"{column}=isdistinct.{value}") for column, (value, _) in _VALUES.items()
    ]
    found += [
        _samples(
            f"{negation}{operator}-{column}", f"{column}={negation.replace('-', '.')}{operator}.{_VALUES[column][0]}"
        )
        for column, operator, negation in product(_ORDERED, _COMPARING[1:], ("", "not-"))
    ]
    return found


def _lists() -> list[Case]:
    found = [_samples(f"in-{column}", f"{column}=in.({_quoted(value)})") for column, (value, _) in _VALUES.items()]
    texts = {
        "several": "(1,3,5)",
        "empty": "()",
        "blank": "( )",
        "spaces": "( 1 , 3 )",
        "repeated": "(1,1)",
        "unknown": "(1,x)",
        "open": "(1,2",
        "bare": "1,2",
        "nested": "((1))",
        "trailing": "(1,)",
    }
    found += [_samples(f"in-ids-{name}", f"id=in.{value}") for name, value in texts.items()]
    found += [_samples(f"not-in-ids-{name}", f"id=not.in.{value}") for name, value in texts.items()]
    words = {
        "comma": '("beta, two",Alpha one)',
        "escaped": r'("Größe 100%25 *_\\ \"q\" (x)")',
        "empty-string": '("")',
        "open-quote": '("beta)',
        "after-quote": '("beta"x)',
        "null": "(null)",
        "parentheses": '("(x)",(x))',
        "single-quotes": "('Alpha one')",
        "star": "(*)",
        "backslash": r"(a\b)",
    }
    return found + [_samples(f"in-words-{name}", f"words=in.{value}") for name, value in words.items()]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _patterns() -> list[Case]:
    single = {
        "like": ("Alpha*", "*one", "*a*", "alpha%25", "%25_\\%25", "Alpha one", "", "*"),
        "ilike": ("ALPHA*", "*TWO", "größe*"),
        "match": ("^Al", "one$", "a.*a", "[", "", "(x)"),
        "imatch": ("^al", "GRÖ", "^$"),
    }
    found = [
        _samples(f"{negation}{operator}-{index}", f"words={negation.replace('-', '.')}{operator}.{pattern}")
        for operator, patterns in single.items()
        for index, pattern in enumerate(patterns, 1)
        for negation in ("", "not-")
    ]
    found += [
        _samples(f"{negation}{operator}-{how}", f"words={negation.replace('-', '.')}{operator}({how}).{{{some}}}")
        for (operator, some), how, negation in product(
            {"like": "*a*,*one*", "ilike": "*A*,*ONE*", "match": "a,^A", "imatch": "A,^a"}.items(),
            ("any", "all"),
            ("", "not-"),
        )
    ]
    columns = ("id", "day", "kind", "call", "short", "binary_json", "names", "truth")
    return found + [
        _samples(f"{operator}-{column}", f"{column}={operator}.*a*")
        for column, operator in product(columns, ("like", "match"))
    ]


def _quantified() -> list[Case]:
    found = [
        _samples(f"{negation}{operator}-{how}-id", f"id={negation.replace('-', '.')}{operator}({how}).{{2,4}}")
        for operator, how, negation in product(_COMPARING, ("any", "all"), ("", "not-"))
    ]
    others = {
        "neq-any-empty": "id=neq(any).{}",
        "eq-all-empty": "id=eq(all).{}",
        "eq-any-text": 'words=eq(any).{"beta, two",x}',
        "eq-any-list": "id=eq(any).(1,2)",
        "eq-some": "id=eq(some).{1}",
        "eq-any-open": "id=eq(any.{1}",
        "eq-any-array-column": "numbers=eq(any).{{1,2,3}}",
        "in-any": "id=in(any).{1}",
        "is-any": "id=is(any).{null}",
        "cs-any": "numbers=cs(any).{1}",
        "fts-any": "vector=fts(any).{cat}",
        "like-any-malformed": "words=like(any).Alpha*",
    }
    return found + [_samples(name, filters) for name, filters in others.items()]


def _is() -> list[Case]:
    words = ("null", "true", "false", "unknown", "NULL", "True", "nothing", "")
    found = [
        _samples(f"{negation}is-{word or 'empty'}-{column}", f"{column}={negation.replace('-', '.')}is.{word}")
        for column, word, negation in product(("truth", "words"), words, ("", "not-"))
    ]
    return [*found, _samples("is-null-json", "plain=is.null"), _samples("is-null-place", "place=is.null")]


def _containment() -> list[Case]:
    filters = {
        "numbers": {"cs": "{1,2}", "cd": "{1,2,3,4}", "ov": "{3,6}", "eq": "{7}"},
        "names": {"cs": '{"a,b"}', "cd": "{red,green,blue}", "ov": '{"with space",red}'},
        "binary_json": {"cs": '{"a": 1}', "cd": '{"a": 1, "b": {"c": [10, 20]}, "s": "x", "z": 0}', "ov": "{}"},
        "int_range": {"cs": "3", "cd": "[0,100)", "ov": "[4,6)"},
        "num_range": {"cs": "[2,2.2]", "cd": "(,3)", "ov": "[2.5,3.5]"},
        "day_range": {"cs": "2021-01-15", "cd": "[2020-01-01,2022-01-01)", "ov": "[2021-01-31,2021-03-01)"},
        "address": {"cs": "10.0.0.1", "ov": "10.0.0.0/8"},
        "words": {"cs": "a", "cd": "a", "ov": "a"},
    }
    found = [
        _samples(f"{negation}{operator}-{column}", f"{column}={negation.replace('-', '.')}{operator}.{value}")
        for column, values in filters.items()
        for operator, value in values.items()
        for negation in ("", "not-")
        if operator != "eq"
    ]
    ranges = {"int_range": "[5,7)", "num_range": "[2.5,3)", "day_range": "[2021-02-01,2021-03-01)", "numbers": "{1}"}
    return found + [
        _samples(f"{negation}{operator}-{column}", f"{column}={negation.replace('-', '.')}{operator}.{value}")
        for (column, value), operator, negation in product(
            ranges.items(), ("sl", "sr", "nxl", "nxr", "adj"), ("", "not-")
        )
    ]


CASES = [*_comparisons(), *_lists(), *_patterns(), *_quantified(), *_is(), *_containment()]
