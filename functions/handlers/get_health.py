"""`/health`: answers that the API serves and its version, and nothing else."""

from typing import Any

from handlers.settings.health import health_settings
from tenantry import VERSION
from tenantry.aws.gateway_answers import answer


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the health check of API Gateway; it needs no token and touches nothing."""
    return answer(200, f'{{"status":"ok","version":"{VERSION}"}}', health_settings().cors_origin)
