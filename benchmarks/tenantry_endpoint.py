"""The same read by query_tenant: a route as thin as the other one, which hands the handler API Gateway's event."""

import os
from copy import deepcopy

from fastapi import FastAPI, Response

from benchmarks.stage import LambdaContext, read_event
from benchmarks.versus_naive import TENANT_VARIABLE
from handlers.query_tenant import handler
from tenantry.domain.tenant import TenantId

app = FastAPI()
_EVENT = read_event(TenantId(os.environ[TENANT_VARIABLE]))


@app.get("/candidates")
def candidates() -> Response:
    """Answer with the first twenty candidates."""
    answer = handler(deepcopy(_EVENT), LambdaContext())
    return Response(answer["body"], answer["statusCode"], answer["headers"])
