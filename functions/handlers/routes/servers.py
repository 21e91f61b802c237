"""`/admin/v1/servers`."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response

from handlers.routes.bodies import DrainBody, ServerBody, show_server
from handlers.routes.exchange import new_routes, parameters_of, read_body, record, reply, reply_with_page
from handlers.routes.parameters import PAGING, takes
from handlers.wiring.services import services
from tenantry.aws.registry_lists import ServerFilter
from tenantry.domain.errors import BadRequest
from tenantry.domain.server import ServerStatus
from tenantry.servers.registrations import ServerReport

routes = new_routes()


@routes.put("/admin/v1/servers/<server_id>")
def register_server(server_id: str) -> Response[str]:
    """Register a server, or change its registration."""
    with record(routes, "register_server", f"server/{server_id}"):
        body = read_body(routes, ServerBody)
        server = body.to_server(server_id)
        report = services().registrations.register(server, body.admin.username, body.admin.password.get_secret_value())
    return reply(200, _show_report(report))


@routes.get("/admin/v1/servers/<server_id>")
def check_server(server_id: str) -> Response[str]:
    """Check a server as it is now."""
    return reply(200, _show_report(services().registrations.check(server_id)))


@routes.get("/admin/v1/servers")
@takes("prefix", "status", "region", "label", *PAGING)
def list_servers() -> Response[str]:
    """List the servers by id, page by page."""
    asked = parameters_of(routes, list_servers)
    wanted = ServerFilter(
        asked.text("prefix"), asked.member("status", ServerStatus), asked.text("region"), asked.text("label")
    )
    page = services().lists.servers(wanted, asked.page(wanted.span.has))
    return reply_with_page(asked, page, show_server)


@routes.post("/admin/v1/servers/<server_id>/drain")
def drain_server(server_id: str) -> Response[str]:
    """Place no new tenants on a server; with `lost`, wait for nothing on it any more."""
    with record(routes, "drain_server", f"server/{server_id}"):
        lost = read_body(routes, DrainBody).lost
        if lost not in (None, server_id):
            raise BadRequest(
                "The body does not repeat the server's id.", code="not_confirmed", hint='Send {"lost": "…"}, or {}.'
            )
        server = services().registrations.lose(server_id) if lost else services().registrations.drain(server_id)
    return reply(200, show_server(server))


@routes.delete("/admin/v1/servers/<server_id>")
def delete_server(server_id: str) -> Response[str]:
    """Take a server off the registry, where nothing of a tenant's can lie any more."""
    with record(routes, "delete_server", f"server/{server_id}"):
        server = services().server_deletion.delete(server_id)
    return reply(200, show_server(server))


def _show_report(report: ServerReport) -> dict[str, Any]:
    found = asdict(report)
    del found["server"]
    return show_server(report.server) | {"check": found}
