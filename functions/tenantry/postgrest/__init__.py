"""PostgREST's language as a pure library: turns a data API request into one statement, and its row into an answer."""

from tenantry.postgrest.answers import Answer, Row, answer_of
from tenantry.postgrest.plan.needs import CatalogueNeeded
from tenantry.postgrest.plan.planning import plan
from tenantry.postgrest.request import Kind, Plan, Request, RequestLimits

__all__ = ["Answer", "CatalogueNeeded", "Kind", "Plan", "Request", "RequestLimits", "Row", "answer_of", "plan"]
