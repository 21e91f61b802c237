"""Lets the local API Gateway keep an API's id when its definition changes, as AWS's does.

CloudFormation overwrites the definition of an API that is there. ministack makes another API and removes the old one,
with its stages: whoever calls the old address gets 404.
"""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1 as gateway
from ministack.services.cloudformation import provisioners

type Attributes = dict[str, Any]

_API = "AWS::ApiGateway::RestApi"


def overwrite_definitions() -> None:
    """Change how this process updates APIs."""
    handlers = provisioners._RESOURCE_HANDLERS[_API]  # noqa: SLF001
    handlers["update"] = _keeping_the_id(handlers["update"])


def _keeping_the_id(update: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(update)
    def wrapper(
        api_id: str, old: Attributes, new: Attributes, stack_name: str, logical_id: str | None = None
    ) -> tuple[str, Attributes]:
        if new.get("Body") == old.get("Body"):
            updated: tuple[str, Attributes] = update(api_id, old, new, stack_name, logical_id)
            return updated
        made_id, _ = provisioners._apigw_rest_api_create(logical_id or api_id, new, stack_name)  # noqa: SLF001
        _take_over(api_id, made_id)
        return api_id, provisioners._apigw_rest_api_attrs(api_id)  # noqa: SLF001

    return wrapper


def _take_over(api_id: str, made_id: str) -> None:
    """Give the API what `made_id` was made with, and drop that one. Stages and deployments are not in a definition."""
    gateway._rest_apis[api_id] = gateway._rest_apis[made_id] | {"id": api_id}  # noqa: SLF001
    for store in (gateway._resources, gateway._authorizers_v1, gateway._models):  # noqa: SLF001
        store[api_id] = store.pop(made_id, {})
    gateway._delete_rest_api(made_id)  # noqa: SLF001
