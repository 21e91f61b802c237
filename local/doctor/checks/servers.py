"""The registered PostgreSQL servers: their secrets, their TLS, and whether the administrator gets in."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, error, hint, ok
from tenantry.domain.server import Server, server_secret_name

_ASKED_AT_ONCE = 8
# API Gateway gives up after 29.
_ANSWER_SECONDS = 30
_NOT_LET_IN = frozenset({401, 403})
# What an account allows where QueryConcurrency is not set, and of how many tenants a function keeps a session.
_ACCOUNT_CONCURRENCY = 1000
_CONNECTIONS_PER_ENVIRONMENT = 8
# A pooler keeps a pool for each, and during a rotation both are used.
_LOGINS = 2
# Of a server's sessions; the rest are an operator's, a backup's and an operation's.
_SHARE = 0.8


def check_secrets(stack: DeployedStack) -> list[Finding]:
    """Look whether each server has its administrator's secret; nothing is read of it."""
    _require_servers(stack)
    client = stack.make_client("secretsmanager")
    findings = [_secret_finding(client, stack.parameters["Stage"], server.server_id) for server in stack.servers]
    return [each for each in findings if each] or [ok("Each server has its administrator's secret.")]


def check_tls(stack: DeployedStack) -> list[Finding]:
    """Look whether each server's certificate and name are verified."""
    _require_servers(stack)
    unverified = [server for server in stack.servers if server.sslmode != "verify-full"]
    findings = [
        hint(
            f"{server.server_id}: sslmode is {server.sslmode}, so nobody verifies whom the functions talk to.",
            "Give it a certificate, and repeat its PUT with verify-full: docs/operations.md, TLS to the servers.",
        )
        for server in unverified
    ]
    return findings or [ok("The certificate and the name of each server are verified.")]


def check_administrators(stack: DeployedStack) -> list[Finding]:
    """Ask whether each server lets its administrator in, and is fit for tenants: version, rights, clock."""
    _require_servers(stack)
    answers = _ask_for_servers(stack)
    findings = [_administrator_finding(server, answer) for server, answer in zip(stack.servers, answers, strict=True)]
    return [each for each in findings if each] or [ok("Each server lets its administrator in, and is fit for tenants.")]


def check_sessions(stack: DeployedStack) -> list[Finding]:
    """Compare the sessions that the functions could open on each server with those that it has."""
    _require_servers(stack)
    answers = _ask_for_servers(stack)
    if not any(answer and answer.is_success for answer in answers):
        raise NotAvailable("No server could be looked at.")
    concurrency = int(stack.parameters.get("QueryConcurrency") or 0) or _ACCOUNT_CONCURRENCY
    findings = [
        _sessions_finding(server, concurrency, answer.json())
        for server, answer in zip(stack.servers, answers, strict=True)
        if answer and answer.is_success
    ]
    return [each for each in findings if each] or [ok("Each server has more sessions than the functions could open.")]


def _sessions_finding(server: Server, concurrency: int, shown: dict[str, Any]) -> Finding | None:
    tenants, most = shown["check"]["tenants"], shown["check"]["max_connections"]
    possible = concurrency * min(_CONNECTIONS_PER_ENVIRONMENT, tenants)
    if server.pool_size:
        possible = min(possible, server.pool_size * _LOGINS * tenants)
    if possible <= most * _SHARE:
        return None
    pooled = "its pooler's pools" if server.pool_size else f"{concurrency} executions at once"
    return hint(
        f"{server.server_id}: {tenants} tenants could take {possible} sessions by {pooled}; it has {most}.",
        "Lower QueryConcurrency, register a pooler with its pool_size, or move tenants:"
        " docs/operations.md, A pooler. The report on connections counts the logins' limits as well.",
    )


def _require_servers(stack: DeployedStack) -> None:
    if not stack.servers:
        raise NotAvailable("No server is registered.", "Register one: docs/operations.md, Register a server.")


def _secret_finding(client: Any, stage: str, server_id: str) -> Finding | None:
    try:
        secret = client.describe_secret(SecretId=server_secret_name(stage, server_id))
    except client.exceptions.ResourceNotFoundException:
        return error(
            f"{server_id}: its administrator's secret is missing.", "Repeat the server's PUT, with its administrator."
        )
    if "DeletedDate" in secret:
        return error(
            f"{server_id}: its administrator's secret is to be deleted.",
            "Restore it: aws secretsmanager restore-secret.",
        )
    return None


def _ask_for_servers(stack: DeployedStack) -> list[httpx.Response | None]:
    """Have the operators' API look at each server; None: it did not answer.

    :raises NotAvailable: it may not be asked.
    """
    if not stack.token:
        raise NotAvailable("Nobody asked the operators' API.", "Say TOKEN=…, an operator's id token.")
    if not re.fullmatch(r"[!-~]+", stack.token):
        raise NotAvailable("That is no token.", "Say TOKEN=…, an operator's id token: three parts with dots between.")
    headers = {"Authorization": f"Bearer {stack.token}"}

    def ask(server: Server) -> httpx.Response | None:
        try:
            return api.get(f"/admin/v1/servers/{server.server_id}")
        except httpx.HTTPError:
            return None

    with (
        httpx.Client(base_url=stack.api_url, headers=headers, timeout=_ANSWER_SECONDS) as api,
        ThreadPoolExecutor(_ASKED_AT_ONCE) as pool,
    ):
        answers = list(pool.map(ask, stack.servers))
    if any(answer is not None and answer.status_code in _NOT_LET_IN for answer in answers):
        raise NotAvailable(
            "The operators' API does not take the token.", "Sign in anew as an operator: a token lasts an hour."
        )
    return answers


def _administrator_finding(server: Server, answer: httpx.Response | None) -> Finding | None:
    server_id = server.server_id
    if answer is None:
        return error(f"{server_id}: the operators' API did not answer.", "Look into the log of AdministerTenants.")
    if answer.is_success:
        return None
    said = _json_object(answer)
    return error(
        f"{server_id}: {said.get('message', f'the operators API answered {answer.status_code}.')}",
        said.get("hint") or "Look into the log of AdministerTenants.",
    )


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
