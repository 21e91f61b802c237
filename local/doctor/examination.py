"""All checks, in the order in which they are told, and what becomes of one that can't look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from local.doctor.checks import network, parameters, people, quotas, routes, servers
from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, Verdict
from tenantry.domain.errors import TenantryError

type Check = Callable[[DeployedStack], list[Finding]]

CHECKS: Final[dict[str, Check]] = {
    "deployment": parameters.check_deployment,
    "conditions of policies": parameters.check_walls,
    "authorizer": routes.check_authorizer,
    "usage keys": routes.check_usage_keys,
    "AWS's services": network.check_services,
    "servers' network": network.check_servers,
    "clock": network.check_clock,
    "servers' secrets": servers.check_secrets,
    "servers' TLS": servers.check_tls,
    "servers' administrators": servers.check_administrators,
    "servers' sessions": servers.check_sessions,
    "first operator": people.check_operator,
    "executions at once": quotas.check_executions,
    "API keys": quotas.check_keys,
    "invitations": quotas.check_mail,
    "access log": parameters.check_access_logs,
    "alarms": parameters.check_alarms,
    "retention": parameters.check_retention,
}
_REFUSALS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedException"})
# Each service has words of its own for credentials that have ended, or that it does not know.
NOT_SIGNED_IN: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
SIGN_IN: Final = "Sign in to AWS anew, and look at this machine's clock: signatures and tokens end after a while."
THROTTLED: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})


@dataclass(frozen=True, slots=True)
class Result:
    """A finding, and the name of the check that found it."""

    check: str
    finding: Finding


def examine(stack: DeployedStack) -> Iterator[Result]:
    """Make every check. One that can't look is told as not available, and keeps no other from looking."""
    for name, check in CHECKS.items():
        for finding in run_check(check, stack):
            yield Result(name, finding)


def run_check(check: Check, stack: DeployedStack) -> list[Finding]:
    """Make one check; AWS's own texts, which name accounts and addresses, are left out."""
    try:
        return check(stack)
    except NotAvailable as exc:
        return [Finding(Verdict.NOT_AVAILABLE, str(exc), exc.what_to_do)]
    except TenantryError as exc:
        return [Finding(Verdict.NOT_AVAILABLE, exc.message, "May your credentials read the table of the registry?")]
    except ClientError as exc:
        return [_refused(exc)]
    except BotoCoreError as exc:
        return [Finding(Verdict.NOT_AVAILABLE, f"AWS could not be asked ({type(exc).__name__}).")]


def _refused(exc: ClientError) -> Finding:
    code = exc.response["Error"]["Code"]
    if code in _REFUSALS:
        return Finding(
            Verdict.NOT_AVAILABLE,
            f"Your credentials may not call {exc.operation_name}.",
            "Allow it to them, or use others: docs/operations.md, Ask the doctor, says what is called.",
        )
    what_to_do = SIGN_IN if code in NOT_SIGNED_IN else "Look again in a minute." if code in THROTTLED else ""
    return Finding(Verdict.NOT_AVAILABLE, f"AWS answered {code} to {exc.operation_name}.", what_to_do)
