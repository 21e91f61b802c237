"""`/admin/v1/reports`: evidence for auditors, and what the fleet uses."""

from aws_lambda_powertools.event_handler import Response

from handlers.administration.exchange import new_routes, operator, record, reply
from handlers.administration.operations import MAX_OPERATIONS
from handlers.administration.wiring import services
from tenantry.adapters.operator_api import show_operation
from tenantry.domain.errors import NotFound
from tenantry.services.isolation_report import KIND as AUDIT
from tenantry.services.isolation_report import TARGET as AUDITED

routes = new_routes()


@routes.post("/admin/v1/reports/isolation")
def start_isolation_report() -> Response[str]:
    """Log in as every tenant and try every other's database; the report is there when the operation has ended."""
    with record(routes, "report_isolation", AUDITED):
        operation = services().operations.start(AUDIT, AUDITED, operator(routes))
    return reply(202, show_operation(operation))


@routes.get("/admin/v1/reports/isolation")
def read_isolation_report() -> Response[str]:
    """Show the newest isolation report."""
    done = (operation for operation in services().operations.newest(MAX_OPERATIONS, AUDIT) if operation.facts)
    operation = next(done, None)
    if operation is None:
        raise NotFound(
            "There is no isolation report yet.",
            code="report_unknown",
            hint="POST /admin/v1/reports/isolation makes one.",
        )
    return reply(200, operation.facts["report"] | {"operation_id": operation.operation_id})


@routes.get("/admin/v1/reports/connections")
def read_connection_report() -> Response[str]:
    """Compare what the functions could open with what the servers have, now."""
    return reply(200, services().connections.run().to_json())
