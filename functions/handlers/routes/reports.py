"""`/admin/v1/reports`: evidence for auditors, and the fleet's use of resources."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import show_operation
from handlers.routes.exchange import new_routes, operator, parameters_of, record, reply, reply_with_text
from handlers.routes.parameters import takes
from handlers.wiring.services import services
from tenantry.domain.errors import BadRequest
from tenantry.reports import backups as backup_report
from tenantry.reports.cost import estimate as cost_report
from tenantry.reports.drift import audit as drift_report
from tenantry.reports.isolation import audit as isolation_report
from tenantry.reports.stored_reports import newest_report

routes = new_routes()


@routes.post("/admin/v1/reports/isolation")
def start_isolation_report() -> Response[str]:
    """Start the isolation report: an operation logs in as every tenant and tries every other tenant's database."""
    return _start("report_isolation", isolation_report.KIND, isolation_report.TARGET)


@routes.get("/admin/v1/reports/isolation")
def read_isolation_report() -> Response[str]:
    """Show the newest isolation report."""
    return reply(200, _newest(isolation_report.KIND, isolation_report.TARGET, "/admin/v1/reports/isolation"))


@routes.post("/admin/v1/reports/drift")
def start_drift_report() -> Response[str]:
    """Start the drift report: an operation compares the registry with everything that it refers to."""
    return _start("report_drift", drift_report.KIND, drift_report.TARGET)


@routes.get("/admin/v1/reports/drift")
def read_drift_report() -> Response[str]:
    """Show the newest drift report."""
    return reply(200, _newest(drift_report.KIND, drift_report.TARGET, "/admin/v1/reports/drift"))


@routes.post("/admin/v1/reports/cost")
def start_cost_report() -> Response[str]:
    """Start the cost report: an operation estimates what each tenant costs in a month."""
    return _start("report_cost", cost_report.KIND, cost_report.TARGET)


@routes.get("/admin/v1/reports/cost")
def read_cost_report() -> Response[str]:
    """Show the newest cost report."""
    return reply(200, _newest(cost_report.KIND, cost_report.TARGET, "/admin/v1/reports/cost"))


@routes.post("/admin/v1/reports/backups")
def start_backup_report() -> Response[str]:
    """Start the report on backups: an operation judges every tenant's backups."""
    return _start("report_backups", backup_report.KIND, backup_report.TARGET)


@routes.get("/admin/v1/reports/backups")
@takes("format")
def read_backup_report() -> Response[str]:
    """Show the newest report on backups, as JSON or (`?format=csv`) as a table for a spreadsheet."""
    report = _newest(backup_report.KIND, backup_report.TARGET, "/admin/v1/reports/backups")
    match parameters_of(routes, read_backup_report).text("format", "json"):
        case "json":
            return reply(200, report)
        case "csv":
            # Read the whole report: the JSON answer may lack the end of long lists.
            whole = services().reports.get(report["stored_at"])
            return reply_with_text(200, backup_report.as_csv(whole), "text/csv; charset=utf-8")
        case _:
            raise BadRequest("There is no such format.", code="invalid_format", hint="json or csv.")


@routes.get("/admin/v1/reports/connections")
def read_connection_report() -> Response[str]:
    """Show the report on connections: the sessions that the functions could open, and those that the servers have."""
    return reply(200, services().connections.run().to_json())


def _start(action: str, kind: str, target: str) -> Response[str]:
    with record(routes, action, target):
        operation = services().operations.start(kind, target, operator(routes))
    return reply(202, show_operation(operation))


def _newest(kind: str, target: str, path: str) -> dict[str, Any]:
    return newest_report(services().operations, services().reports, kind, target, path)
