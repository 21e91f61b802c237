"""Which service of AWS's a function has no way to: the first thing that is missing in a new network."""

from typing import Final

from tenantry.domain.errors import DependencyFailed, TenantryError

_NOTED: Final = "unreached_service"
# As the documents name them, by botocore's names.
_NAMES: Final = {
    "api-gateway": "API Gateway",
    "cognito-identity-provider": "Cognito",
    "dynamodb": "DynamoDB",
    "lambda": "Lambda",
    "s3": "S3",
    "scheduler": "EventBridge Scheduler",
    "secrets-manager": "Secrets Manager",
    "sfn": "Step Functions",
    "sts": "STS",
}


def note_service(exception: Exception, service: str) -> str:
    """Write a service's name on the exception of a call that did not reach it, and return it.

    :param service: as botocore's events have it.
    """
    name = service_name(service)
    setattr(exception, _NOTED, name)
    return name


def service_name(service: str) -> str:
    """Name a service as the documents do. :param service: as botocore's events have it."""
    return _NAMES.get(service, service)


def way_out(service: str) -> str:
    """Say what to do about a service that can't be reached."""
    return f"Give the functions' subnets a way to {service}: a VPC endpoint, or a NAT gateway."


def unreached_service(error: BaseException | None) -> str | None:
    """Name the service that could not be reached, if that is the reason of an error."""
    while error is not None:
        name: str | None = getattr(error, _NOTED, None)
        if name:
            return name
        error = error.__cause__
    return None


def with_the_way_out(error: TenantryError) -> TenantryError:
    """Say in the error of a service that could not be reached which it was, for whoever runs the network."""
    service = unreached_service(error) if isinstance(error, DependencyFailed) else None
    if service:
        error.details = f"{service} could not be reached"
        error.hint = way_out(service)
    return error
