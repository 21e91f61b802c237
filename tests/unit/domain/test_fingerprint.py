"""Fingerprints are compared by object, by kind where there are too many, and without what need not be there."""

from tenantry.domain.fingerprint import Definition, Fingerprint, fingerprint_of, from_facts


def made(*objects: tuple[str, str, str], major: int = 18) -> Fingerprint:
    return fingerprint_of(major, [(kind, name, Definition(*text.split("/"))) for kind, name, text in objects])


ALL = (("view", "@.v", "a/b"), ("column", "@.v.one", "c"), ("comment", "view @.v", "d"), ("cast", "@.t AS text", "e"))


def test_what_is_lost_new_or_changed_is_named_with_its_schema() -> None:
    one = made(*ALL)
    assert one.differences(made(*ALL), "acme") == []
    lost = made(*ALL[1:3])
    assert one.differences(lost, "acme") == ["cast acme.t AS text", "view acme.v"]
    assert lost.differences(one, "acme") == ["cast acme.t AS text", "view acme.v"]
    changed = made(("view", "@.v", "a/x"), ("column", "@.v.one", "x"), ("comment", "view @.v", "x"), ALL[3])
    assert one.differences(changed, "acme") == ["view acme.v", "column acme.v.one", "comment view acme.v"]


def test_texts_of_another_major_version_are_not_compared() -> None:
    one, other = made(*ALL), made(("view", "@.v", "a/x"), *ALL[1:], major=15)
    assert one.differences(other, "acme") == []
    assert one.differences(made(("view", "@.v", "x/b"), *ALL[1:], major=15), "acme") == ["view acme.v"]


def test_what_is_left_out_goes_with_what_is_in_it_and_said_of_it() -> None:
    gone = {("view", "@.v"), ("cast", "@.t AS text")}
    assert made(*ALL).differences(made(), "acme", gone) == []
    assert made(*ALL, ("view", "@.v2", "a")).differences(made(), "acme", gone) == ["view acme.v2"]


def test_kinds_with_too_many_are_told_by_their_digests() -> None:
    many = made(*(("column", f"@.t.c{n}", str(n)) for n in range(20)), *ALL[:1])
    bounded = from_facts(many.bounded(5).to_facts())
    assert (bounded.kinds["column"].objects, bounded.kinds["column"].count) == (None, 20)
    assert bounded.kinds["view"].objects == many.kinds["view"].objects
    assert bounded.differences(many, "acme") == []
    assert many.differences(bounded, "acme") == []
    fewer = made(*(("column", f"@.t.c{n}", str(n)) for n in range(19)))
    assert bounded.differences(fewer, "acme") == ["view acme.v", "column"]
    assert fewer.differences(Fingerprint(18), "acme")[0] == "column acme.t.c0"


def test_two_of_one_name_are_compared_whichever_comes_first() -> None:
    one, two = ("rule", "@.t.r", "a/b"), ("rule", "@.t.r", "c/d")
    assert made(one, two).differences(made(two, one), "acme") == []
    assert made(one, two).differences(made(one, one), "acme") == ["rule acme.t.r"]
