"""`/rest/v1/{table}` and `/rest/v1/rpc/{function}`: runs a data request in the database of the caller's tenant."""

from functools import cache
from typing import TYPE_CHECKING, Any

from handlers.settings.environment import read_text
from handlers.settings.query import QuerySettings, query_settings
from tenantry.aws.api_gateway import body_of, caller_of, header, headers_of, path_parameter, query_of, told_headers
from tenantry.aws.clients import aws_client
from tenantry.aws.gateway_answers import answer, error_answer
from tenantry.aws.tenant_secrets import TenantSecrets
from tenantry.aws.tenant_session import TenantSession, TenantSessions
from tenantry.data_api.catalogues import Catalogues
from tenantry.data_api.connection_cache import ConnectionCache
from tenantry.data_api.data_request import Call, DataRequests
from tenantry.database.connecting import ConnectSettings
from tenantry.database.memory_limit import bound_memory
from tenantry.database.preambles import CallSettings
from tenantry.domain.errors import IdentityMismatch, RequestRefused, TenantryError
from tenantry.domain.tenant import Caller
from tenantry.observability import count, log_unexpected, logger
from tenantry.postgrest import Answer, Kind, Request, RequestLimits
from tenantry.postgrest.refusals import unsupported

if TYPE_CHECKING:
    from tenantry.data_api.error_counter import ErrorCounter

# The one of this execution environment, made by the first error that is counted: most requests succeed.
_error_counters: "list[ErrorCounter]" = []
# Between when a connection is not used any more and when the server ends it: no request meets its end.
_GRACE_SECONDS = 60


@cache
def _data_requests() -> DataRequests:
    """Wire the adapters, once per execution environment. Their caches are keyed by tenant."""
    settings = query_settings()
    bound_memory(settings.memory_mb)

    def new_client(session: TenantSession) -> Any:
        return aws_client("secretsmanager", settings.region, session)

    sts = aws_client("sts", settings.region)
    sessions = TenantSessions(sts, settings.tenant_role_arn, settings.stage, settings.region)
    return DataRequests(
        TenantSecrets(sessions, new_client, settings.stage, max_age=settings.secret_age),
        ConnectionCache(settings.max_connections, settings.connection_age, settings.connection_idle),
        ConnectSettings(
            settings.connect_timeout,
            settings.statement_timeout_ms,
            # By then it would not be used again.
            rest_ms=(settings.connection_idle + _GRACE_SECONDS) * 1000,
            application_name="tenantry-query",
            work_mem_kb=settings.work_mem_kb,
            through_pooler=True,
        ),
        RequestLimits(
            max_rows=settings.max_rows,
            max_body_bytes=settings.max_body_bytes,
            max_answer_bytes=settings.max_answer_bytes,
            at_once=settings.at_once,
        ),
        Catalogues(settings.max_connections, settings.catalogue_age),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    settings = query_settings()
    try:
        caller = caller_of(event)
        _check_compute(caller, context, settings)
        result = _answer(event, caller, settings)
        if _error_counters:
            _error_counters[0].write_left_behind()
        return answer(result.status, result.body, settings.cors_origin, result.headers, is_binary=result.is_binary)
    except TenantryError as error:
        return _refuse(error, event, context, settings)
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a value, a host or a password
        log_unexpected(exc)
        return _refuse(TenantryError("The request could not be served."), event, context, settings)


def _check_compute(caller: Caller, context: Any, settings: QuerySettings) -> None:
    """Compare the caller's tenant with the execution environment's, if the environment belongs to a single tenant."""
    if settings.per_tenant_compute and getattr(context, "tenant_id", None) != caller.tenant_id.value:
        raise IdentityMismatch()


def _answer(event: dict[str, Any], caller: Caller, settings: QuerySettings) -> Answer:
    """Dispatch to a table, a function, or the description of the API."""
    if caller.is_behind:
        _data_requests().require_revision(caller, settings.required_revision)
    named = _named(event)
    if named is None:
        return _describe(event, caller)
    if event["httpMethod"] == "OPTIONS":
        return _allow(event, caller, *named)
    return _data_requests().run(_call(event, caller, *named, settings))


def _named(event: dict[str, Any]) -> tuple[Kind, str] | None:
    """Say what the path names; None is the API itself.

    :raises RequestRefused: there is no such path.
    """
    if "proxy" in (event.get("pathParameters") or ()):
        raise RequestRefused("Invalid path specified in request URL", code="PGRST125")
    for kind, parameter in ((Kind.TABLE, "table"), (Kind.ROUTINE, "function")):
        name = path_parameter(event, parameter)
        if name is not None:
            return kind, name
    # A table may be called like the place where functions are.
    return (Kind.TABLE, "rpc") if str(event.get("resource")).endswith("/rpc") else None


def _describe(event: dict[str, Any], caller: Caller) -> Answer:
    method = event["httpMethod"]
    if method == "OPTIONS":
        return Answer(200, "", {"Allow": "OPTIONS,GET,HEAD"})
    if method not in ("GET", "HEAD"):
        raise unsupported(method, ("GET", "HEAD"))
    # Imported here because only this request needs it: it would slow down every cold start.
    from tenantry.data_api.api_description import describe_api  # noqa: PLC0415

    accept, profile = header(event, "accept"), header(event, "accept-profile")
    address, call = f"{_base_url(event)}/", CallSettings(method, "/", told_headers(headers_of(event)))
    return describe_api(_data_requests(), caller, accept, profile, address, call, head=_is_head(event))


def _allow(event: dict[str, Any], caller: Caller, kind: Kind, name: str) -> Answer:
    """Answer an OPTIONS request with a token; a preflight has no token, and the gateway answers it."""
    from tenantry.data_api.api_description import allow  # noqa: PLC0415

    return allow(_data_requests(), caller, kind, name, header(event, "accept-profile"))


def _call(event: dict[str, Any], caller: Caller, kind: Kind, name: str, settings: QuerySettings) -> Call:
    method, headers = event["httpMethod"], headers_of(event)
    request = Request(
        method=method,
        name=name,
        query=query_of(event),
        kind=kind,
        profile=headers.get(_profile_header(method), ""),
        prefer=headers.get("prefer", ""),
        accept=headers.get("accept", ""),
        range=headers.get("range", ""),
        content_type=headers.get("content-type", ""),
        body=body_of(event, settings.max_body_bytes),
    )
    return Call(caller, request, CallSettings(method, _path(kind, name), told_headers(headers)))


def _path(kind: Kind, name: str) -> str:
    return f"/rpc/{name}" if kind is Kind.ROUTINE else f"/{name}"


def _profile_header(method: str) -> str:
    return "accept-profile" if method in ("GET", "HEAD") else "content-profile"


def _is_head(event: dict[str, Any]) -> bool:
    return bool(event["httpMethod"] == "HEAD")


def _base_url(event: dict[str, Any]) -> str:
    """Return the URL under which the gateway was called, up to the data API's root."""
    context = event.get("requestContext") or {}
    path = str(context.get("path") or event.get("path") or "/rest/v1").rstrip("/")
    # API Gateway says https of itself; the local stack says http.
    scheme = "http" if header(event, "x-forwarded-proto") == "http" else "https"
    return f"{scheme}://{context.get('domainName') or 'localhost'}{path}"


def _refuse(error: TenantryError, event: dict[str, Any], context: Any, settings: QuerySettings) -> dict[str, Any]:
    refusal = error_answer(error, settings.cors_origin)
    if refusal["statusCode"] >= 500:
        authorizer = event.get("requestContext", {}).get("authorizer") or {}
        logger().error(
            "request failed",
            code=error.code,
            status=refusal["statusCode"],
            tenant_id=authorizer.get("tenantId"),
            request_id=getattr(context, "aws_request_id", None),
        )
        count("RequestsFailed")
    _count_error(error.code, refusal["statusCode"], event, settings)
    return refusal


def _count_error(code: str, status: int, event: dict[str, Any], settings: QuerySettings) -> None:
    """Count an answer that a rollout looks at, for the tenant of a verified caller. Whatever happens, it is given."""
    # Imported here because only errors need it: it would slow down every cold start.
    from tenantry.domain.counted_errors import is_counted  # noqa: PLC0415

    try:
        if is_counted(code, status):
            tenant_id = caller_of(event).tenant_id
            _error_counter(settings).count(tenant_id)
    except TenantryError:
        return
    except Exception as exc:  # noqa: BLE001 - the caller waits for the answer
        log_unexpected(exc)


def _error_counter(settings: QuerySettings) -> "ErrorCounter":
    """Return the counter, which is made when it is needed first."""
    from tenantry.data_api.error_counter import ErrorCounter, quick_dynamodb  # noqa: PLC0415

    if not _error_counters:
        _error_counters.append(ErrorCounter(quick_dynamodb(settings.region), settings.error_counts_table))
    return _error_counters[0]


def _prepare_snapshot() -> None:
    """Load what requests will need. No tenant is known yet, so there is neither a connection nor a secret."""
    from tenantry.data_api import api_description, error_counter  # noqa: F401, PLC0415
    from tenantry.domain import counted_errors  # noqa: F401, PLC0415

    _data_requests()


def _start_anew() -> None:
    """Forget what belongs to one tenant or one moment: every environment begins as a copy of the same snapshot."""
    if _data_requests.cache_info().currsize:
        _data_requests().close()
    _data_requests.cache_clear()
    _error_counters.clear()


if read_text("SNAP_START", "OFF") == "ON":
    from handlers.wiring.snapshots import around_snapshots

    around_snapshots(_prepare_snapshot, _start_anew)
