"""Who may call which route: what the API's definition says, and what its stage serves."""

from collections.abc import Iterator
from typing import NamedTuple

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, error, listed, ok

_COUNTED = ("/rest/v1", "/backups/v1")
_PAGE = {"PageSize": 500}
_WHAT_TO_DO = "Deploy the template again, and find out who changed the API by hand."


class _Route(NamedTuple):
    path: str
    method: str
    authorization: str | None
    needs_key: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def check_authorizer(stack: DeployedStack) -> list[Finding]:
    """Look whether every route but the health check and the preflights is behind our authorizer, and no other one."""
    open_routes = sorted({str(route) for route in _closed(stack) if route.authorization not in (None, "CUSTOM")})
    findings = [error(f"Open to everybody: {listed(open_routes)}.", _WHAT_TO_DO)] if open_routes else []
    gateway, ours = stack.make_client("apigateway"), stack.output("AuthorizeRequestName")
    authorizers = gateway.get_authorizers(restApiId=stack.output("ApiId"), limit=500).get("items", [])
    strangers = [each["name"] for each in authorizers if f":{ours}/" not in each.get("authorizerUri", "")]
    if strangers:
        findings.append(error(f"Authorizers that are not ours: {listed(strangers)}.", _WHAT_TO_DO))
    return findings or [ok("Every route but GET /health asks the authorizer.")]


def check_usage_keys(stack: DeployedStack) -> list[Finding]:
    """Look whether every route of a tenant's needs the key under which its requests are counted."""
    if stack.is_local:
        raise NotAvailable("The local API Gateway takes no keys from the authorizer.")
    without = sorted({str(r) for r in _closed(stack) if r.path.startswith(_COUNTED) and not r.needs_key})
    if without:
        return [error(f"Requests are not counted, nor limited by plans: {listed(without)}.", _WHAT_TO_DO)]
    return [ok("Every route of the data API and of tenants' backups needs a key.")]


def _closed(stack: DeployedStack) -> list[_Route]:
    """Return the routes that must not be for everybody. :raises NotAvailable: there are none at all."""
    routes = [*_defined(stack), *_served(stack)]
    if not routes:
        raise NotAvailable("API Gateway names no routes.", "Deploy the template again.")
    return [route for route in routes if (route.path, route.method) != ("/health", "GET")]


def _defined(stack: DeployedStack) -> Iterator[_Route]:
    """Yield what is defined now, and goes to the stage with the next deployment."""
    pages = stack.make_client("apigateway").get_paginator("get_resources")
    for page in pages.paginate(restApiId=stack.output("ApiId"), embed=["methods"], PaginationConfig=_PAGE):
        for resource in page["items"]:
            for method, found in resource.get("resourceMethods", {}).items():
                # A preflight carries no token, and starts no function.
                if (method, found.get("methodIntegration", {}).get("type")) != ("OPTIONS", "MOCK"):
                    # A method that does not say so asks nobody.
                    kind = found.get("authorizationType", "NONE")
                    yield _Route(resource["path"], method, kind, found.get("apiKeyRequired", False))


def _served(stack: DeployedStack) -> Iterator[_Route]:
    """Yield what was deployed last to the stage, which may be something else than what is defined now."""
    gateway, api = stack.make_client("apigateway"), stack.output("ApiId")
    deployed = gateway.get_stage(restApiId=api, stageName=stack.output("ApiStage"))["deploymentId"]
    summary = gateway.get_deployment(restApiId=api, deploymentId=deployed, embed=["apisummary"]).get("apiSummary", {})
    for path, methods in summary.items():
        for method, found in methods.items():
            # What a preflight starts is not said here, and the local API Gateway leaves the type out.
            if method != "OPTIONS":
                yield _Route(path, method, found.get("authorizationType"), found.get("apiKeyRequired", False))
