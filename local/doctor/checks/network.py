"""What the functions reach from their network, and what time they think it is."""

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, error, ok
from tenantry.aws.unreached_services import way_out
from tenantry.servers.refused_session import what_is_wrong
from tenantry.servers.tls_probe import TlsFinding

_MAX_SKEW_SECONDS = 5.0


def check_services(stack: DeployedStack) -> list[Finding]:
    """Look whether the functions reach every service of AWS's that they call."""
    unreached = [name for name, is_reached in stack.probe.services.items() if not is_reached]
    if unreached:
        return [error(f"The functions don't reach {name}.", way_out(name)) for name in unreached]
    return [ok(f"The functions reach all {len(stack.probe.services)} services.")]


def check_servers(stack: DeployedStack) -> list[Finding]:
    """Look whether the functions reach every registered server, with the TLS that it was registered with."""
    found = stack.probe.servers
    if found is None:
        raise NotAvailable("The functions could not read which servers are registered.", way_out("DynamoDB"))
    findings = [_server_finding(server_id, finding) for server_id, finding in found.items()]
    return [each for each in findings if each] or [ok(f"The functions reach all {len(found)} servers.")]


def check_clock(stack: DeployedStack) -> list[Finding]:
    """Compare the functions' clock with this machine's, but for the time that the answer took."""
    probe = stack.probe
    ahead, behind = probe.clock - probe.answered_at, probe.asked_at - probe.clock
    if max(ahead, behind) > _MAX_SKEW_SECONDS:
        says = f"This machine's clock is {max(ahead, behind):.0f} seconds {'behind' if ahead > 0 else 'ahead of'}"
        return [error(f"{says} the functions'.", "Let this machine follow a time server; tokens are judged by clocks.")]
    return [ok("This machine's clock and the functions' agree.")]


def _server_finding(server_id: str, finding: TlsFinding) -> Finding | None:
    wrong = what_is_wrong(finding)
    if wrong is None:
        return None
    details = f" ({wrong.details})" if wrong.details else ""
    return error(f"{server_id}: {wrong.message.rstrip('.')}{details}.", wrong.hint or "")
