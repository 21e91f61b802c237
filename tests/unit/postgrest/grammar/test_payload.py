import json

import pytest

from tenantry.domain.errors import BadRequest, GrammarError, PayloadTooLarge
from tenantry.postgrest.grammar import payload as reading
from tenantry.postgrest.grammar.payload import Payload, read_raw
from tenantry.postgrest.request import RequestLimits

LIMITS = RequestLimits(max_body_bytes=200, max_select_items=3)


def read_payload(
    body: str | None, kind: str, columns: tuple[str, ...] | None, limits: RequestLimits, *, calls: bool = False
) -> Payload:
    """Read a body that is given as text; half a surrogate pair becomes three bytes, which are no UTF-8."""
    raw = None if body is None else body.encode(errors="surrogatepass")
    return reading.read_payload(raw, kind, columns, limits, calls=calls)


def test_an_object_and_an_array_of_it_have_the_same_shape() -> None:
    one = read_payload('{"b": 1, "a": 2}', "", None, LIMITS)
    many = read_payload('[{"a": 2, "b": 1}, {"b": 3, "a": 4}]', "", None, LIMITS)

    assert one.columns == many.columns == ("a", "b")
    assert (one.rows, many.rows) == (1, 2)
    assert json.loads(one.as_array) == [{"b": 1, "a": 2}]


def test_columns_replace_the_keys_and_rows_may_then_differ() -> None:
    payload = read_payload('[{"a": 1}, {"b": 2, "x": 3}]', "", ("a", "b"), LIMITS)

    assert payload.columns == ("a", "b")


@pytest.mark.parametrize(
    ("body", "lacking", "absent"),
    [
        ('[{"a": 1, "b": 1}]', "", ""),
        ('[{"a": null, "b": 1}, {"b": 2, "a": 3}]', "", ""),
        ('[{"a": 1}, {"b": 2, "x": 3}]', "ab", ""),
        ('[{"a": 1}, {"a": 2}]', "b", "b"),
        ('[{"a": 1}, {}]', "ab", "b"),
        ("{}", "ab", "ab"),
        ("[]", "", ""),
    ],
)
def test_tells_which_columns_rows_leave_out(body: str, lacking: str, absent: str) -> None:
    payload = read_payload(body, "", ("a", "b"), LIMITS)

    assert (payload.lacking, payload.absent) == (frozenset(lacking), frozenset(absent))
    assert payload.without("b").lacking == frozenset(lacking) - {"b"}


@pytest.mark.parametrize(("body", "kind"), [("[{},{},{}]", ""), ("a\n1\n2\n3", "text/csv")])
def test_a_body_has_only_so_many_rows(body: str, kind: str) -> None:
    assert read_payload(body, kind, None, RequestLimits(max_body_rows=3)).rows == 3
    with pytest.raises(PayloadTooLarge):
        read_payload(body, kind, None, RequestLimits(max_body_rows=2))
    # What a function makes of its arguments is its own doing.
    assert read_payload(body, kind, None, RequestLimits(max_body_rows=2), calls=True).rows == 3


@pytest.mark.parametrize(("body", "rows"), [("{}", 1), ("[{},{}]", 2), ("[]", 0)])
def test_rows_may_be_empty_or_none(body: str, rows: int) -> None:
    payload = read_payload(body, "", None, LIMITS)

    assert (payload.columns, payload.rows) == ((), rows)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        " ",
        "{",
        "nope",
        "'a'",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": "\0"}',
        "[" * 100,
        "1",
        '"text"',
        "null",
        "[1]",
        '[{"a": 1}, 2]',
        '[{"a": 1}, {"b": 1}]',
        '[{"a": 1}, {"a": 1, "b": 1}]',
        "[[]]",
    ],
)
def test_refuses_what_is_no_row(body: str | None) -> None:
    with pytest.raises(GrammarError) as refused:
        read_payload(body, "", None, LIMITS)

    assert refused.value.code == "PGRST102"


def test_refuses_a_body_that_nests_without_end() -> None:
    with pytest.raises(GrammarError):
        read_payload('{"a":' + "[" * 200_000, "", None, RequestLimits())


def test_a_number_of_any_length_is_left_to_postgresql() -> None:
    number = "9" * 10_000

    assert read_payload(f'{{"a": {number}}}', "", None, RequestLimits()).as_array == f'[{{"a": {number}}}]'


@pytest.mark.parametrize("text", ["a" * 200, "ü" * 100])
def test_refuses_a_body_over_the_limit_in_bytes(text: str) -> None:
    with pytest.raises(PayloadTooLarge):
        read_payload(json.dumps({"a": text}, ensure_ascii=False), "", None, LIMITS)


def test_refuses_too_many_columns() -> None:
    with pytest.raises(GrammarError, match="at most 3"):
        read_payload('{"a":1,"b":1,"c":1,"d":1}', "", None, LIMITS)


def test_refuses_a_lone_surrogate() -> None:
    with pytest.raises(BadRequest):
        read_payload('{"a": "\ud800"}', "", None, LIMITS)


def test_csv_becomes_rows() -> None:
    payload = read_payload('a,b\n1,"x, y"\nNULL,\n"NULL",""\n', "text/csv; charset=utf-8", None, LIMITS)

    assert json.loads(payload.text) == [{"a": "1", "b": "x, y"}, {"a": None, "b": ""}, {"a": "NULL", "b": ""}]
    assert payload.columns == ("a", "b")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("a,b\n1,2\n", "text/csv", '[{"a": "1", "b": "2"}]'),
        ('"a",b\n1,2\n', "text/csv", '[{"a": "1", "b": "2"}]'),
        ('{"a": "\ufeff"}', "", '{"a": "\ufeff"}'),
        ("[]", "application/json", "[]"),
    ],
)
@pytest.mark.parametrize("calls", [True, False])
def test_a_byte_order_mark_is_no_part_of_a_body(body: str, kind: str, text: str, calls: bool) -> None:
    """Windows begins its files so."""
    assert read_payload("\ufeff" + body, kind, None, LIMITS, calls=calls).text == text


@pytest.mark.parametrize("body", ["\ufeff", "\ufeff\ufeff{}", "{\ufeff}"])
def test_anywhere_else_it_is_no_json(body: str) -> None:
    with pytest.raises(GrammarError):
        read_payload(body, "", None, LIMITS)


def test_a_form_becomes_one_row() -> None:
    payload = read_payload("a=1&b=x+y%26", "application/x-www-form-urlencoded", None, LIMITS)

    assert (json.loads(payload.text), payload.is_object) == ({"a": "1", "b": "x y&"}, True)


@pytest.mark.parametrize(
    ("body", "kind"), [("a,b\n1\n", "text/csv"), ("", "text/csv"), ("<a/>", "text/xml"), ("a", "image/png")]
)
def test_refuses_what_is_no_table_in_its_form(body: str, kind: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read_payload(body, kind, None, LIMITS)

    assert refused.value.code == "PGRST102"


@pytest.mark.parametrize(
    "raw", ["Müller".encode("latin-1"), b"\xff\xfe", "Müller".encode("utf-16"), b"\xed\xa0\xbd", b"\xc0\xaf"]
)
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("application/json", b'{"a": "%s"}'),
        ("", b'{"%s": 1}'),
        ("text/csv", b"a\n%s\n"),
        ("application/x-www-form-urlencoded", b"a=%s"),
    ],
)
@pytest.mark.parametrize("calls", [False, True])
def test_refuses_what_is_no_utf8(raw: bytes, kind: str, form: bytes, calls: bool) -> None:
    with pytest.raises(GrammarError) as refused:
        reading.read_payload(form % raw, kind, None, LIMITS, calls=calls)

    assert refused.value.code == "PGRST102"


@pytest.mark.parametrize("body", ["a=%ff", "%ff=1", "a=%ed%a0%bd", "a=%c0%af"])
def test_refuses_a_form_whose_field_is_no_utf8(body: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read_payload(body, "application/x-www-form-urlencoded", None, LIMITS)

    assert refused.value.code == "PGRST102"


def test_bytes_go_into_a_function_as_they_are() -> None:
    assert read_raw(b"\x00\x89PNG\xff", "application/octet-stream", LIMITS) == "\\x0089504e47ff"
    assert read_raw(None, "application/octet-stream", LIMITS) == "\\x"
    assert read_raw("é".encode(), "text/plain", LIMITS) == "é"


@pytest.mark.parametrize("body", [b"\xff", b"a\x00b", "é".encode("latin-1")])
@pytest.mark.parametrize("kind", ["text/plain", "text/xml"])
def test_refuses_text_that_is_none(body: bytes, kind: str) -> None:
    with pytest.raises(BadRequest):
        read_raw(body, kind, LIMITS)
