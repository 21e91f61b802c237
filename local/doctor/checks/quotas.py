"""What the account has left of what AWS allows."""

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, error, hint, ok

# What AWS keeps for functions that reserve nothing, where the account has as much.
_KEPT_UNRESERVED = 100
# The parameters that reserve, and how many functions each of them does it for.
_RESERVING = {"QueryConcurrency": 1, "OperationConcurrency": 1, "FleetConcurrency": 4}
_KEYS = 10_000
_KEYS_SOON = 8_000
_RAISE = "Ask AWS for more: Service Quotas, AWS Lambda, Concurrent executions."


def check_executions(stack: DeployedStack) -> list[Finding]:
    """Look whether enough functions may run at the same time, beside those that are reserved."""
    if stack.is_local:
        raise NotAvailable("The local AWS has no quota: this machine's memory is the limit.")
    limits = stack.make_client("lambda").get_account_settings()["AccountLimit"]
    allowed, left = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    reserved = sum(int(stack.parameters.get(name) or 0) * functions for name, functions in _RESERVING.items())
    shared = f"{left} of the account's {allowed} executions at once are reserved by nobody"
    if left < _KEPT_UNRESERVED:
        return [error(f"Only {shared}: requests and backups will be throttled.", _RAISE)]
    return [ok(f"{shared}; this stack reserves {reserved or 'none'}.")]


def check_keys(stack: DeployedStack) -> list[Finding]:
    """Look whether there is room for the usage keys of more tenants. The keys themselves are not asked for."""
    pages = (
        stack.make_client("apigateway")
        .get_paginator("get_api_keys")
        .paginate(includeValues=False, PaginationConfig={"PageSize": 500})
    )
    used = sum(len(page["items"]) for page in pages)
    says = f"{used:,} of the account's {_KEYS:,} API keys in this region are used"
    what_to_do = "AWS gives no more: make the next stack in another region or account, before this one is full."
    if used >= _KEYS:
        return [error(f"{says}: no more tenants can be made.", what_to_do)]
    return [hint(f"{says}.", what_to_do) if used >= _KEYS_SOON else ok(f"{says}.")]


def check_mail(stack: DeployedStack) -> list[Finding]:
    """Look who sends the invitations, and how many a day."""
    if not stack.keeps_users:
        return [ok("Your own issuer invites people.")]
    if stack.parameters.get("EmailIdentityArn"):
        return [ok("Amazon SES sends the invitations.")]
    return [
        hint(
            "Cognito's own sender sends the invitations: some 50 a day for the whole account.",
            "Verify an identity in Amazon SES, ask for production access, and deploy with EmailIdentityArn.",
        )
    ]
