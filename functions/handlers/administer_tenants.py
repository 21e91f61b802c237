"""`/admin/v1`: the operators' API. The audit trail records every call that changes something."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from handlers.routes import (
    backups,
    data_api,
    erasures,
    limits,
    operations,
    pgadmin,
    relocations,
    renaming,
    reports,
    restores,
    rollouts,
    servers,
    tenants,
)
from handlers.routes.next_steps import name_the_holder
from handlers.settings.administration import administration_settings
from handlers.wiring.services import services
from tenantry.aws.api_gateway import operator_of
from tenantry.aws.gateway_answers import error_answer
from tenantry.aws.unreached_services import with_the_way_out
from tenantry.domain.errors import NotFound, StatementFailed, TenantryError
from tenantry.observability import log_unexpected, logger

app = APIGatewayRestResolver()
for part in (servers, tenants, limits, erasures, operations, reports, pgadmin, renaming, relocations):
    app.include_router(part.routes)
for part in (backups, restores, data_api, rollouts):
    app.include_router(part.routes)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an operator's request."""
    try:
        operator_of(event)
        services().servers.begin()
        return app.resolve(event, context)
    except TenantryError as error:
        return _refuse(error)
    except Exception as exc:  # noqa: BLE001 - whatever it is, its text may hold a value, a host or a password
        log_unexpected(exc)
        return _refuse(TenantryError("The request could not be served."))


def _refuse(error: TenantryError) -> dict[str, Any]:
    refusal = error_answer(with_the_way_out(error), administration_settings().cors_origin)
    if refusal["statusCode"] >= 500:
        logger().error("request failed", extra={"code": error.code})
    return refusal


@app.exception_handler(TenantryError)  # type: ignore[untyped-decorator]
def _answer_refusal(error: TenantryError) -> Response[str]:
    if isinstance(error, StatementFailed):
        # What PostgreSQL says may name whatever a tenant has called so, and is no help to who has sent no statement.
        error = StatementFailed(
            "The tenant's server refused a statement of ours.",
            code=error.code,
            hint="Look in the server's log for application name tenantry-…; the drift report tells what is missing.",
        )
    refusal = _refuse(name_the_holder(error, app.current_event.raw_event))
    return Response(refusal["statusCode"], "application/json", refusal["body"], refusal["headers"])


@app.not_found
def _answer_unknown(_: NotFoundError) -> Response[str]:
    refusal = _refuse(NotFound("There is no such route.", hint="docs/operators-api.md lists the routes."))
    return Response(404, "application/json", refusal["body"], refusal["headers"])
