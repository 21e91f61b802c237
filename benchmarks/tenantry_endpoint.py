"""The same read with query_tenant, behind an equally thin route that passes API Gateway's event to the handler."""

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
