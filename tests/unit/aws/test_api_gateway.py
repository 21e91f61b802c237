import json
from pathlib import Path
from typing import Any

import pytest

from tenantry.aws import api_gateway
from tenantry.aws.api_gateway import body_of, caller_of, header, path_parameter
from tenantry.aws.gateway_answers import MOST_BYTES, answer, error_answer, sent_bytes, status_of
from tenantry.domain import errors
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.tenant import Role

EVENT: dict[str, Any] = json.loads(Path("events/query_tenant.json").read_text())


def event_with(**authorizer: Any) -> dict[str, Any]:
    context = {**EVENT["requestContext"]["authorizer"], **authorizer}
    return {**EVENT, "requestContext": {"authorizer": {k: v for k, v in context.items() if v is not None}}}


def test_the_caller_is_who_the_authorizer_says() -> None:
    caller = caller_of(EVENT)
    assert (caller.tenant_id.value, caller.role) == ("mycompany", Role.VIEWER)


def test_a_tenant_named_anywhere_else_is_not_read() -> None:
    event = {**EVENT, "requestContext": {}}
    event |= {"headers": {"X-Amz-Tenant-Id": "mycompany1"}, "queryStringParameters": {"tenant_id": "mycompany1"}}
    with pytest.raises(errors.Unauthenticated):
        caller_of(event)


@pytest.mark.parametrize("change", [{"tenantId": None}, {"tenantId": "../x"}, {"role": "root"}, {"claims": None}])
def test_an_incomplete_context_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(errors.Unauthenticated):
        caller_of(event_with(**change))


def test_the_data_apis_settings_are_what_the_authorizer_says_and_else_the_default() -> None:
    changed = DataApiSettings(schemas=("api", "public"), plans=True)
    assert caller_of(event_with(dataApi=changed.to_context())).data_api == changed
    assert caller_of(EVENT).data_api == DataApiSettings()


def test_whether_the_tenant_is_over_its_quota_is_what_the_authorizer_says() -> None:
    assert caller_of(event_with(overQuota="yes")).over_quota
    assert not caller_of(EVENT).over_quota


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schemas":["pg_catalog"]}', {"schemas": ["public"]}, 7])
def test_malformed_settings_are_refused_and_not_taken_for_the_default(text: Any) -> None:
    with pytest.raises(errors.Unauthenticated):
        caller_of(event_with(dataApi=text))


def test_suspended_unknown_and_operator_are_refused() -> None:
    with pytest.raises(errors.TenantSuspended):
        caller_of(event_with(tenantStatus="suspended"))
    with pytest.raises(errors.TenantUnknown):
        caller_of(event_with(tenantStatus="unknown"))
    with pytest.raises(errors.TenantUnknown):
        caller_of(event_with(tenantStatus=None))
    with pytest.raises(errors.AccessDenied):
        caller_of(event_with(role="operator"))


def test_headers_are_found_whatever_their_case() -> None:
    event = {"multiValueHeaders": {"PREFER": ["return=minimal", "tx=commit"]}}
    assert header(event, "prefer") == "return=minimal,tx=commit"
    assert header({"multiValueHeaders": None}, "prefer") == ""


def test_a_body_is_measured_in_bytes() -> None:
    assert body_of({"body": "é" * 5}, 10) == b"\xc3\xa9" * 5
    with pytest.raises(errors.PayloadTooLarge):
        body_of({"body": "é" * 6}, 10)
    with pytest.raises(errors.PayloadTooLarge):
        body_of({"body": "MTIzNDU2Nzg5MDE=", "isBase64Encoded": True}, 10)
    assert body_of({"body": "eyJ9", "isBase64Encoded": True}, 10) == b'{"}'
    assert body_of({"body": None}, 10) is None


def test_a_body_has_the_bytes_that_were_sent() -> None:
    assert body_of({"body": "iVBORwD//g==", "isBase64Encoded": True}, 10) == b"\x89PNG\x00\xff\xfe"


@pytest.mark.parametrize("event", [{"body": "!", "isBase64Encoded": True}, {"body": "\ud800"}])
def test_a_body_that_is_no_body_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(errors.BadRequest):
        body_of(event, 10)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Unauthenticated(), 401),
        (errors.TenantSuspended(), 403),
        (errors.TenantUnknown(), 404),
        (errors.GrammarError(), 400),
        (errors.GrammarError(code="PGRST103"), 416),
        (errors.BadRequest(code="PGRST117"), 405),
        (errors.PayloadTooLarge(), 413),
        (errors.DatabaseUnavailable(code="53300"), 503),
        (errors.OutcomeUnknown(), 503),
        (errors.DatabaseTimeout(), 504),
        (errors.StatementFailed(code="42P01"), 404),
        (errors.StatementFailed(code="42703"), 400),
        (errors.StatementFailed(code="22P02"), 400),
        (errors.StatementFailed(code="23505"), 409),
        (errors.StatementFailed(code="23503"), 409),
        (errors.StatementFailed(code="42501"), 403),
        (errors.StatementFailed(code="25006"), 405),
        (errors.StatementFailed(code="XX000"), 500),
        (errors.BackupFailed(), 500),
    ],
)
def test_the_most_specific_status_is_given(error: errors.TenantryError, status: int) -> None:
    assert status_of(error) == status


def test_every_error_has_the_one_shape() -> None:
    answer = error_answer(errors.DatabaseUnavailable(), "https://app.example.com")
    assert json.loads(answer["body"]).keys() == {"code", "message", "details", "hint"}
    assert answer["headers"]["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert answer["headers"]["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("written", "read"),
    [("candidates", "candidates"), ("Kapit%C3%A4n%27s%20log%2F1", "Kapitän's log/1"), ("100%25", "100%")],
)
def test_a_path_parameter_is_decoded_once(written: str, read: str) -> None:
    assert path_parameter(EVENT | {"pathParameters": {"table": written}}, "table") == read


def test_a_path_that_is_not_utf_8_is_refused_and_one_without_parameters_has_none() -> None:
    with pytest.raises(errors.BadRequest):
        path_parameter(EVENT | {"pathParameters": {"table": "%ff"}}, "table")
    assert path_parameter(EVENT | {"pathParameters": None}, "table") is None


def test_a_credential_is_neither_told_nor_kept() -> None:
    """Stored headers may be found again under another token, so no token may be part of them."""
    events = [
        {"multiValueHeaders": {"Authorization": [f"Bearer {token}"], "X-Amz-Security-Token": [token], "X-Told": ["a"]}}
        for token in ("first", "second")
    ]
    before = api_gateway._written.cache_info().hits
    assert [api_gateway.told_headers(api_gateway.headers_of(event)) for event in events] == ['{"x-told": "a"}'] * 2
    assert api_gateway._written.cache_info().hits == before + 1


def test_a_header_that_is_sent_more_than_once_has_all_of_its_values() -> None:
    made = answer(200, "", "*", {"Set-Cookie": ["a=1", "b=2"], "Cache-Control": "max-age=1"})
    assert made["multiValueHeaders"] == {"Set-Cookie": ["a=1", "b=2"]}
    assert "Set-Cookie" not in made["headers"]
    assert made["headers"]["Cache-Control"] == "max-age=1"
    assert "multiValueHeaders" not in answer(200, "", "*", {})


def test_bytes_are_marked_as_such() -> None:
    assert answer(200, "iVBORw==", "*", is_binary=True)["isBase64Encoded"] is True
    assert "isBase64Encoded" not in answer(200, "text", "*")


def test_the_texts_of_an_error_are_cut() -> None:
    long = "\0" * 5_000_000
    made = error_answer(errors.StatementFailed(long, code="P0001", details=long, hint=long), "*")
    assert sent_bytes(made["body"]) < 300_000
    assert json.loads(made["body"])["message"].startswith("\0" * 10_000)


@pytest.mark.parametrize("text", ["x", '"\\\n\t', "é", "नम", "🙂", "\x01\x7f"])
def test_what_is_sent_is_counted_as_lambda_writes_it(text: str) -> None:
    """Lambda writes UTF-8, and escapes what has to be escaped in JSON."""
    assert sent_bytes(text) == len(json.dumps(text, ensure_ascii=False).encode()) <= MOST_BYTES * len(text) + 2
