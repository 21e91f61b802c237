"""Reads how many requests API Gateway counted for each of our API keys."""

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

DAYS = 30


class UsageMetering:
    """Reads the usage of one stage's usage plans."""

    def __init__(self, gateway: "APIGatewayClient", stage: str) -> None:
        """Take a client that may read usage plans."""
        self._gateway = gateway
        self._stage = stage

    def requests(self, today: date) -> dict[str, int]:
        """Return the requests of the last thirty days by the API key's id.

        :raises DependencyFailed: API Gateway did not answer.
        """
        counted: Counter[str] = Counter()
        first, last = (today - timedelta(days=DAYS)).isoformat(), today.isoformat()
        try:
            for plan in self._plans():
                usage = self._gateway.get_paginator("get_usage")
                for page in usage.paginate(usagePlanId=plan, startDate=first, endDate=last):
                    for key, days in page.get("items", {}).items():
                        # Each day is a pair: the requests used, and the remaining quota.
                        counted[key] += sum(day[0] for day in days)
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The usage could not be read.", code="usage_unavailable") from exc
        return dict(counted)

    def _plans(self) -> list[Any]:
        pages = self._gateway.get_paginator("get_usage_plans").paginate()
        prefix = f"tenantry-{self._stage}-"
        return [plan["id"] for page in pages for plan in page["items"] if plan.get("name", "").startswith(prefix)]
