"""Good and bad data requests through API Gateway, authorizer, Lambda and PostgreSQL."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import encode, get_unverified_header
from jwt.utils import base64url_encode

from tests.e2e.api import Api

CANDIDATES = "/rest/v1/candidates"


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_each_tenant_reads_its_own_candidates(api: Api) -> None:
    answers = {tenant: api.call("GET", CANDIDATES, api.token(tenant)) for tenant in ("mycompany", "mycompany1")}
    for tenant, answer in answers.items():
        assert answer.status_code == 200
        assert sorted(row["name"] for row in answer.json()) == api.names(tenant)
    assert (len(answers["mycompany"].json()), len(answers["mycompany1"].json())) == (10, 7)


def test_a_row_that_is_posted_is_in_ones_own_database_and_in_no_other(api: Api) -> None:
    token, name = api.token("mycompany"), f"Kavya {uuid.uuid4().hex}"
    row = {"name": name, "job_role": "Editor", "email": f"{uuid.uuid4().hex}@example.com"}
    made = api.call("POST", CANDIDATES, token, json=row, headers={"Prefer": "return=representation"})
    assert made.status_code == 201, made.text
    try:
        assert name in api.names("mycompany")
        assert name not in api.names("mycompany1")
        changed = api.call("PATCH", CANDIDATES, token, params={"name": f"eq.{name}"}, json={"location": "Pune"})
        assert changed.status_code == 204
        (found,) = api.call("GET", CANDIDATES, token, params={"name": f"eq.{name}"}).json()
        assert found["location"] == "Pune"
    finally:
        gone = api.call("DELETE", CANDIDATES, token, params={"name": f"eq.{name}"})
    assert gone.status_code == 204
    assert name not in api.names("mycompany")


def test_several_filters_on_one_column_all_arrive(api: Api) -> None:
    query = [("id", "gte.4"), ("id", "lte.6"), ("order", "id.desc"), ("select", "id")]
    answer = api.call("GET", CANDIDATES, api.token("mycompany"), params=query)
    assert answer.json() == [{"id": 6}, {"id": 5}, {"id": 4}]


@pytest.fixture(scope="module")
def pictures(api: Api) -> Iterator[None]:
    """A table of bytes, and a function that gives back what it gets."""
    made = """
    CREATE TABLE pictures (id int PRIMARY KEY, bytes bytea);
    CREATE FUNCTION same_bytes(bytea) RETURNS bytea LANGUAGE sql STABLE AS 'SELECT $1';
    ALTER TABLE pictures OWNER TO mycompany_owner;
    GRANT SELECT, INSERT ON pictures TO mycompany_editor;
    NOTIFY pgrst, 'reload schema';
    """
    gone = "DROP FUNCTION same_bytes; DROP TABLE pictures; NOTIFY pgrst, 'reload schema'"
    with api.database("mycompany") as connection, connection.cursor() as cursor:
        cursor.execute(made)
        yield
        cursor.execute(gone)


ALL_BYTES = bytes(range(256))


@pytest.mark.parametrize(
    "body", [ALL_BYTES, b"\x1f\x8b\x08\x00not gzip", b"\0", "é".encode("utf-16"), b"{}", ALL_BYTES * 2_000]
)
@pytest.mark.usefixtures("pictures")
def test_bytes_go_in_and_come_out_as_they_are(api: Api, body: bytes) -> None:
    """Up to the gateway's own limits: what is longer than a kilobyte is packed on its way."""
    kind = "application/octet-stream"
    headers = {"Content-Type": kind, "Accept": kind}
    answer = api.call("POST", "/rest/v1/rpc/same_bytes", api.token("mycompany"), content=body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind), answer.text
    assert answer.content == body


@pytest.mark.usefixtures("pictures")
def test_bytes_of_rows_come_out_as_they_are(api: Api) -> None:
    token, path = api.token("mycompany"), "/rest/v1/pictures"
    rows = [{"id": id_, "bytes": f"\\x{part.hex()}"} for id_, part in enumerate((ALL_BYTES[:200], ALL_BYTES[200:]))]
    assert api.call("POST", path, token, json=rows).status_code == 201
    query = {"select": "bytes", "order": "id"}
    for kind in ("application/octet-stream", "text/csv, application/octet-stream;q=0.5"):
        answer = api.call("GET", path, token, params=query, headers={"Accept": kind})
        is_binary = kind.startswith("application")
        assert answer.content == ALL_BYTES if is_binary else answer.text.startswith("bytes\n\\x0001")
    assert api.call("GET", path, token, params=query).json() == [{"bytes": row["bytes"]} for row in rows]


def test_health_needs_no_token_and_says_the_version_only(api: Api) -> None:
    answer = api.call("GET", "/health")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "version"}


def test_no_forged_and_foreign_tokens_get_in(api: Api) -> None:
    good = api.token("mycompany", "viewer")
    header, payload, signature = good.split(".")
    claims = claims_of(good)
    other_key = rsa.generate_private_key(65537, 2048)
    swapped = base64.urlsafe_b64encode(json.dumps(claims | {"custom:tenant_id": "mycompany1"}).encode()).decode()
    kid = {"kid": get_unverified_header(good)["kid"]}
    bad = {
        "forged": encode(claims, other_key, "RS256", headers=kid),
        "tenant swapped": f"{header}.{swapped.rstrip('=')}.{signature}",
        "unsigned": f"{base64url_encode(json.dumps({'alg': 'none', **kid}).encode()).decode()}.{payload}.x",
        "signed with a word": encode(claims, "secret" * 8, "HS256", headers=kid),
        "signature cut": f"{header}.{payload}.{signature[:-8]}",
        "no token": "nonsense",
    }
    for what, token in {**bad, "none": None}.items():
        answer = api.call("GET", CANDIDATES, token)
        assert answer.status_code in {401, 403}, what
        assert answer.json().keys() == {"code", "message", "details", "hint"}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_token_of_another_pool_or_for_another_use_is_refused(api: Api) -> None:
    cognito = api.aws("cognito-idp")
    pool = cognito.create_user_pool(PoolName="foreign", Schema=[{"Name": "tenant_id", "AttributeDataType": "String"}])
    pool_id = pool["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="x", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )
    login = {"USERNAME": "mallory", "PASSWORD": "Mallory-Passw0rd"}
    attributes = [{"Name": "custom:tenant_id", "Value": "mycompany"}, {"Name": "custom:role", "Value": "admin"}]
    cognito.admin_create_user(UserPoolId=pool_id, Username="mallory", UserAttributes=attributes)
    cognito.admin_set_user_password(UserPoolId=pool_id, Username="mallory", Password=login["PASSWORD"], Permanent=True)
    client = app["UserPoolClient"]["ClientId"]
    tokens = cognito.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client, AuthParameters=login)
    own = cognito.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=api.stack.client_id,
        AuthParameters={
            "USERNAME": "viewer@mycompany.example.com",
            "PASSWORD": api.stack.password_of("viewer@mycompany.example.com"),
        },
    )
    try:
        foreign = tokens["AuthenticationResult"]["IdToken"]
        for token in (foreign, own["AuthenticationResult"]["AccessToken"]):
            assert api.call("GET", CANDIDATES, token).status_code in {401, 403}
    finally:
        cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        ("suspended", 403, "tenant_suspended"),
        ("absent", 404, "tenant_unknown"),
        # As on AWS: whether a secret exists is not told to a session whose tag it does not carry.
        ("active", 403, "credentials_denied"),
    ],
)
def test_a_tenant_that_is_not_served_is_told_why(api: Api, status: str, answered: int, code: str) -> None:
    with api.registered(status) as (_, token):
        answer = api.call("GET", CANDIDATES, token)
    assert (answer.status_code, answer.json()["code"]) == (answered, code)
    assert "mycompany" not in answer.text


def test_an_operator_has_no_rows(api: Api) -> None:
    answer = api.call("GET", CANDIDATES, api.token_of(api.stack.operator.username))
    assert answer.status_code == 403


def test_a_viewer_may_read_and_not_write(api: Api) -> None:
    token = api.token("mycompany", "viewer")
    assert api.call("GET", CANDIDATES, token).status_code == 200
    answer = api.call("POST", CANDIDATES, token, json={"name": "x", "job_role": "x", "email": "x@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/rest/v1/nowhere", {}, 404, "PGRST205"),
        ("GET", CANDIDATES, {"params": {"salary": "gt.1"}}, 400, "42703"),
        ("GET", CANDIDATES, {"params": {"id": "eq.x"}}, 400, "22P02"),
        ("POST", CANDIDATES, {"content": "{"}, 400, "PGRST102"),
        ("POST", CANDIDATES, {"json": {"name": "x" * 1_100_000}}, 413, "payload_too_large"),
        ("POST", CANDIDATES, {"json": {"name": "x", "salary": 1}}, 400, "PGRST204"),
        ("POST", CANDIDATES, {"content": b'{"name": "M\xfcller"}'}, 400, "PGRST102"),
        ("POST", CANDIDATES, {"content": b"name\nM\xfcller", "headers": {"Content-Type": "text/csv"}}, 400, "PGRST102"),
        ("DELETE", CANDIDATES, {}, 400, "21000"),
        ("GET", "/nowhere", {}, 404, "not_found"),
        ("PUT", "/rest/v1/", {}, 405, "PGRST117"),
        ("PATCH", "/rest/v1/rpc/hire", {"json": {}}, 405, "PGRST101"),
        ("GET", f"{CANDIDATES}/1", {}, 404, "PGRST125"),
        ("POST", "/rest/v1/rpc/hire/now/please", {"json": {}}, 404, "PGRST125"),
        ("GET", "/rest/v1/rpc", {}, 404, "PGRST205"),
    ],
)
def test_a_malformed_request_gets_its_code(
    api: Api, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = api.call(method, path, api.token("mycompany"), **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_browser_may_ask_first_on_every_route(api: Api) -> None:
    allowed = {"/rest/v1/": "OPTIONS,GET,HEAD", "/rest/v1/rpc/hire": "OPTIONS,GET,HEAD,POST"}
    for path in ("/health", CANDIDATES, *allowed):
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Headers": "x-app-id"}
        answer = api.call("OPTIONS", path, headers=asked)
        assert answer.status_code == 200
        assert answer.headers.get("Allow") == allowed.get(path, answer.headers.get("Allow"))
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        named = answer.headers["Access-Control-Allow-Headers"].split(",")
        assert "Authorization" in named
        assert ("*" in named) is path.startswith("/rest/")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
