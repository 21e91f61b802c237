"""Logger and metrics, made on first use.

A warm request that succeeds writes neither: API Gateway's access log has a line for each request, with its tenant, and
Lambda and API Gateway count and time them. This code writes what those can't see: failures, reconnections, backups.
"""

import traceback
from functools import cache

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit, single_metric

__all__ = ["MetricUnit", "count", "log_unexpected", "logger", "measure"]


@cache
def logger() -> Logger:
    """Return the logger of this function; its service and level come from the environment."""
    return Logger(utc=True, log_record_order=["level", "message"])


def log_unexpected(exc: BaseException) -> None:
    """Log a defect in our code by its type and place; its text is left out, because it may quote anything."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]
    logger().error("unexpected error", extra={"type": type(exc).__name__, "places": places})


@cache
def _metrics() -> Metrics:
    return Metrics()


def count(name: str, value: int = 1) -> None:
    """Write a counter in CloudWatch's embedded metric format (EMF)."""
    measure(name, value, MetricUnit.Count)


def measure(name: str, value: float, unit: MetricUnit) -> None:
    """Write one value in CloudWatch's embedded metric format (EMF)."""
    provider = _metrics()
    with single_metric(name=name, unit=unit, value=value, namespace=provider.namespace) as metric:
        metric.add_dimension(name="service", value=provider.service or "tenantry")
