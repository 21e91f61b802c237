"""PostgREST's language as a pure library: one request of the data API becomes one statement, and its row an answer."""

from tenantry.postgrest.answers import Answer, Row, answer_of
from tenantry.postgrest.plan.needs import CatalogueNeeded
from tenantry.postgrest.plan.planning import plan
from tenantry.postgrest.request import Kind, Plan, Request, RequestLimits

__all__ = ["Answer", "CatalogueNeeded", "Kind", "Plan", "Request", "RequestLimits", "Row", "answer_of", "plan"]
