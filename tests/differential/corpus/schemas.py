"""A second schema, chosen by its profile, and the OpenAPI document of each."""

from tenantry.domain.tenant import Role
from tests.differential.cases import Case, call, case, delete, get, patch, post

_SEEN = "return=representation"
_READS = {
    "table": "places?order=id",
    "view-of-same-name": "ships?order=id",
    "embedded": "places?select=label,visits(id)&order=id&visits.order=id",
    "embedded-back": "visits?select=id,places(label)&order=id",
    "embedded-view": "visits?select=id,ships(name)&order=id",
    "embedded-view-to-view": "ships?select=id,companies(name)&order=id",
    "embedded-other-schema": "places?select=id,harbours(name)",
    "function": "rpc/add?a=1&b=2",
    "function-here-only": "rpc/place_count",
    "function-of-other": "rpc/answer",
    "computed": "places?select=shout&order=id",
    "only-in-public": "notes",
}

CASES: list[Case] = [
    *(get(f"schema/{name}", target, accept_profile="api") for name, target in _READS.items()),
    get("schema/default", "places"),
    get("schema/named-default", "ships?select=id&order=id", accept_profile="public"),
    get("schema/unknown", "ships", accept_profile="nothing"),
    get("schema/hidden", "treasure", accept_profile="hidden"),
    get("schema/system", "pg_class", accept_profile="pg_catalog"),
    get("schema/empty", "ships?select=id&order=id", accept_profile=""),
    get("schema/quoted", "ships?select=id", accept_profile='"api"'),
    get("schema/upper-case", "ships?select=id", accept_profile="API"),
    get("schema/content-profile-ignored", "ships?select=id&order=id", content_profile="api"),
    case("schema/head", "HEAD", "places?order=id", accept_profile="api"),
    post("schema/insert", "places", {"id": 9, "label": "x"}, prefer=_SEEN, content_profile="api"),
    post("schema/insert-plain", "visits", {"place_id": 1}, content_profile="api", prefer="return=headers-only"),
    post(
        "schema/insert-embedded", "visits?select=id,places(label)", {"place_id": 1}, prefer=_SEEN, content_profile="api"
    ),
    post("schema/insert-unknown", "places", {"id": 9}, content_profile="nothing"),
    post("schema/insert-accept-ignored", "places", {"id": 9, "label": "x"}, accept_profile="api"),
    patch("schema/update", "places?id=eq.1", {"label": "new"}, prefer=_SEEN, content_profile="api"),
    patch("schema/update-view", "companies?id=eq.1", {"name": "new"}, prefer=_SEEN, content_profile="api"),
    delete("schema/delete", "visits?id=eq.1", prefer=_SEEN, content_profile="api"),
    call("schema/call", "add", {"a": 1, "b": 2}, content_profile="api"),
    call("schema/call-other", "answer", content_profile="api"),
    case("schema/options", "OPTIONS", "places", accept_profile="api"),
    get("root/public", ""),
    get("root/api", "", accept_profile="api"),
    get("root/viewer", "", role=Role.VIEWER),
    get("root/openapi", "", accept="application/openapi+json"),
    get("root/json", "", accept="application/json"),
    get("root/csv", "", accept="text/csv"),
    get("root/unknown-profile", "", accept_profile="nothing"),
    case("root/head", "HEAD", ""),
]
