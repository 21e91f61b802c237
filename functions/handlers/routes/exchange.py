"""Reads requests and builds answers, for all routes of the operators' API."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter, Router
from pydantic import BaseModel

from handlers.routes.bodies import parse_body
from handlers.routes.parameters import Parameters, taken_by
from handlers.settings.administration import administration_settings
from handlers.wiring.services import services
from tenantry.aws.api_gateway import body_of, operator_of
from tenantry.aws.gateway_answers import answer
from tenantry.domain.paging import Page


class _StrictRoutes(Router):
    """Routes that refuse what they do not take, before they do anything: `?dry_run=true` must not be overlooked."""

    def route(self, rule: str, method: Any, *arguments: Any, **options: Any) -> Any:
        register = super().route(rule, method, *arguments, **options)

        def register_strictly(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def checked(**path: Any) -> Any:
                parameters_of(self, function)
                return function(**path)

            registered: Callable[..., Any] = register(checked)
            return registered

        return register_strictly


def new_routes() -> Router:
    """Make the router of a file of routes; `takes` says which parameters a route takes."""
    return _StrictRoutes()  # type: ignore[no-untyped-call]


def parameters_of(routes: BaseRouter, route: Callable[..., Any]) -> Parameters:
    """Read the parameters of a call of a route.

    :raises BadRequest: it has some that the route does not take.
    """
    return Parameters(routes.current_event.raw_event, taken_by(route))


def read_body[Model: BaseModel](routes: BaseRouter, model: type[Model]) -> Model:
    """Read the request's JSON body.

    :raises BadRequest: the body is invalid or too large.
    """
    return parse_body(model, body_of(routes.current_event.raw_event, administration_settings().max_body_bytes))


def operator(routes: BaseRouter) -> str:
    """Return the user id of the operator, from the token."""
    return operator_of(routes.current_event.raw_event)


def record(routes: BaseRouter, action: str, target: str) -> AbstractContextManager[None]:
    """Record the action of this block and its outcome in the audit trail."""
    return services().trail.record(operator(routes), action, target)


def reply(status: int, content: Any) -> Response[str]:
    """Answer with JSON."""
    made = answer(status, json.dumps(content), administration_settings().cors_origin)
    return Response(status, "application/json", made["body"], made["headers"])


def reply_with_page[Item](parameters: Parameters, page: Page[Item], show: Callable[[Item], Any]) -> Response[str]:
    """Answer with a page of a list; `next` is the cursor of the next one, or null."""
    return reply(200, {"items": [show(item) for item in page.items], "next": parameters.cursor(page.after)})


def reply_with_text(status: int, text: str, content_type: str) -> Response[str]:
    """Answer with another content type than JSON."""
    made = answer(status, text, administration_settings().cors_origin, {"Content-Type": content_type})
    return Response(status, content_type, text, made["headers"])
