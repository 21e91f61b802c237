"""PostgREST's language as a pure library: one request of the data API becomes one statement, and its row an answer."""

from tenantry.postgrest.answers import Answer, Row, answer_of
from tenantry.postgrest.plan.needs import CatalogueNeeded
from tenantry.postgrest.plan.planning import plan
from tenantry.postgrest.request import Kind, Limits, Plan, Request

__all__ = ["Answer", "CatalogueNeeded", "Kind", "Limits", "Plan", "Request", "Row", "answer_of", "plan"]
