"""PostgREST's URL grammar as a pure library: one request of the data API becomes one statement."""

from tenantry.postgrest.planning import plan
from tenantry.postgrest.request import Limits, Plan, Request

__all__ = ["Limits", "Plan", "Request", "plan"]
