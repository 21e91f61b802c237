"""Tries which services of AWS can be reached from where this runs: a connection, TLS, and not a single call."""

import os
import socket
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path

from tenantry.aws.clients import aws_client
from tenantry.aws.unreached_services import service_name

# All that the functions call, by the names that clients are made with.
SERVICES: Final = (
    "apigateway",
    "cognito-idp",
    "dynamodb",
    "lambda",
    "s3",
    "scheduler",
    "secretsmanager",
    "stepfunctions",
    "sts",
)


def service_endpoints(region: str) -> dict[str, str]:
    """Return the addresses at which the functions call AWS, by the names of the services in our documents."""
    clients = [aws_client(service, region) for service in SERVICES]
    return {service_name(_event_name(client)): str(client.meta.endpoint_url) for client in clients}


def is_reached(endpoint: str, seconds: float) -> bool:
    """Connect to an address, and trust whom botocore trusts; nothing is sent.

    :param seconds: the time limit of each step.
    """
    url = urlsplit(endpoint)
    host, is_secure = url.hostname or "", url.scheme == "https"
    try:
        with socket.create_connection((host, url.port or (443 if is_secure else 80)), seconds) as plain:
            if is_secure:
                with _context().wrap_socket(plain, server_hostname=host):
                    pass
            return True
    except OSError:
        return False


def _context() -> ssl.SSLContext:
    # Python's default context refuses authorities that botocore takes: those that do not say what their key is for.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(os.environ.get("AWS_CA_BUNDLE") or get_cert_path(True))
    return context


def _event_name(client: Any) -> str:
    return str(client.meta.service_model.service_id.hyphenize())
