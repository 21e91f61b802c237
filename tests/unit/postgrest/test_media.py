"""Which form an Accept header gets, among the usual ones and those that a database makes itself."""

import pytest

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.media import Form, Offer, negotiate

OWN = Offer(frozenset({"text/html", "image/png", "text/csv"}), has_bytes=True, has_geojson=True)
# For any rows, and for these.
OURS = Offer(frozenset({"application/vnd.pgrst.object+json", "application/a", "application/b", "text/a"}))
OF_ROWS = OURS._replace(whole=frozenset({"application/vnd.pgrst.object+json", "application/b", "text/a"}))
ANYTHING = Offer(frozenset({"*/*"}))
EVERYTHING = Offer(frozenset({"*/*"}), takes_any=True)


@pytest.mark.parametrize(
    ("accept", "offer", "expected"),
    [
        ("", OWN, "application/json; charset=utf-8"),
        ("text/html", OWN, "text/html"),
        ("Text/HTML; charset=utf-8", OWN, "text/html"),
        ("application/json, text/html", OWN, "application/json; charset=utf-8"),
        ("application/json;q=0.5, text/html", OWN, "text/html"),
        ("text/csv", OWN, "text/csv; charset=utf-8"),
        ("image/*", OWN, "image/png"),
        ("application/octet-stream", OWN, "application/octet-stream"),
        ("application/geo+json", OWN, "application/geo+json; charset=utf-8"),
        ("application/*", OURS, "application/json; charset=utf-8"),
        ("application/*", OF_ROWS, "application/b"),
        ("application/*, application/b;q=0", OF_ROWS, "application/json; charset=utf-8"),
        ("application/*, application/b;q=0, application/json;q=0", OF_ROWS, "application/a"),
        ("application/vnd.pgrst.object+json", OF_ROWS, "application/vnd.pgrst.object+json; charset=utf-8"),
        ("text/*", OURS, "text/csv; charset=utf-8"),
        ("text/*", OF_ROWS, "text/a"),
        ("text/*, text/a;q=0", OF_ROWS, "text/csv; charset=utf-8"),
        ("text/*;q=0.1, application/a;q=0.2", OF_ROWS, "application/a"),
        ("*/*", OF_ROWS, "application/json; charset=utf-8"),
        ("*/*, application/json;q=0", OF_ROWS, "text/csv; charset=utf-8"),
        ("*/*, application/*;q=0", OURS, "text/csv; charset=utf-8"),
        ("text/a, text/*;q=0", OF_ROWS, "text/a"),
        ("", ANYTHING, "application/octet-stream"),
        ("*/*", ANYTHING, "application/octet-stream"),
        ("application/json", ANYTHING, "application/json; charset=utf-8"),
        ("no/such", EVERYTHING, "application/octet-stream"),
        ("application/json", EVERYTHING, "application/octet-stream"),
        ("application/vnd.pgrst.object", EVERYTHING, "application/vnd.pgrst.object+json; charset=utf-8"),
    ],
)
def test_forms(accept: str, offer: Offer, expected: str) -> None:
    assert negotiate(accept, plans=False, offer=offer).content_type == expected


@pytest.mark.parametrize(
    ("accept", "offer"),
    [
        ("image/*", Offer()),
        ("application/geo+json", Offer()),
        ("application/octet-stream", Offer()),
        ("no/such", ANYTHING),
        ("text/*, text/*;q=0", OF_ROWS),
        ("*/*, application/json;q=0, text/csv;q=0", OF_ROWS),
        ("application/vnd.*", OF_ROWS),
        ("application/vnd.pgrst.plan", EVERYTHING),
    ],
)
def test_what_is_not_made_is_refused(accept: str, offer: Offer) -> None:
    with pytest.raises(RequestRefused) as refused:
        negotiate(accept, plans=False, offer=offer)
    assert refused.value.code == "PGRST107"


@pytest.mark.parametrize("name", ["text/bad\r\nx: y", "text", "/x", "text/", "text/x y", "te\u00e4xt/x", "*/x"])
def test_what_is_no_media_type_never_becomes_a_header(name: str) -> None:
    with pytest.raises(RequestRefused):
        negotiate(name, plans=False, offer=Offer(frozenset({name})))


def test_a_plan_may_be_of_an_own_form() -> None:
    media = negotiate('application/vnd.pgrst.plan+json; for="text/html"', plans=True, offer=OWN)
    assert (media.form, media.inner, media.own) == (Form.PLAN, Form.OWN, "text/html")
    assert media.content_type == 'application/vnd.pgrst.plan+json; for="text/html"; charset=utf-8'


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/csv;q=0, application/json", "application/json"),
        ("text/csv;Q=0.1, application/json;q=0.2", "application/json"),
        ("text/csv;q=nan, application/json;q=0.001", "application/json"),
        ("application/json;q=1e9, text/csv;q=0.5", "text/csv"),
    ],
)
def test_weights_are_those_of_rfc_9110(accept: str, content_type: str) -> None:
    assert negotiate(accept, plans=False).content_type.startswith(content_type)


def test_what_has_no_weight_is_not_wanted() -> None:
    with pytest.raises(RequestRefused) as refusal:
        negotiate("text/csv;q=0", plans=False)
    assert refusal.value.code == "PGRST107"
