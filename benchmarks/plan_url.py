"""Parsing and planning a typical URL, without a database, against SQLAlchemy's writing of the same SELECT."""

from statistics import median

from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, select

from benchmarks.results import Result
from benchmarks.stage import Stage
from benchmarks.timing import take_turns, time_calls
from tenantry.postgrest import Request, RequestLimits, plan

_ROUNDS, _CALLS = 50, 100
_URL = {
    "select": ["id,name,job_role,email,applied:applied_at,location"],
    "job_role": ["in.(Engineer,Analyst)"],
    "location": ["ilike.*pune*"],
    "applied_at": ["gte.2026-01-01", "lt.2026-02-01"],
    "order": ["applied_at.desc.nullslast,id"],
    "limit": ["20"],
    "offset": ["40"],
}
_TEXTS = ("name", "job_role", "email", "applied_at", "location")
_CANDIDATES = Table("candidates", MetaData(), Column("id", Integer), *(Column(name, Text) for name in _TEXTS))
_DIALECT = create_engine("postgresql+psycopg2://").dialect


def run(_stage: Stage) -> list[Result]:
    """p50 of planning a URL with six columns, four conditions, an order and a page; 5,000 times, in blocks of 100.

    Against building and compiling that SELECT with SQLAlchemy Core: whoever answers URLs with SQL has to write a
    statement for each, and this is how Python usually does. It is given the parts, so nothing is parsed, checked or
    limited there, and the statement has nothing around it. Where both run on the same processor, its speed cancels out.
    """
    limits, request = RequestLimits(), Request("GET", "candidates", _URL)
    ours, theirs = take_turns(
        lambda: time_calls(lambda: plan(request, limits), _CALLS), lambda: time_calls(_write, _CALLS), rounds=_ROUNDS
    )
    return [Result("plan_url", "us", median(ours) * 1e6, median(theirs) * 1e6, at_most=0.5)]


def _write() -> str:
    columns = _CANDIDATES.c
    statement = (
        select(columns.id, columns.name, columns.job_role, columns.email)
        .add_columns(columns.applied_at.label("applied"), columns.location)
        .where(columns.job_role.in_(["Engineer", "Analyst"]), columns.location.ilike("%pune%"))
        .where(columns.applied_at >= "2026-01-01", columns.applied_at < "2026-02-01")
        .order_by(columns.applied_at.desc().nulls_last(), columns.id)
        .limit(20)
        .offset(40)
    )
    return str(statement.compile(dialect=_DIALECT))
