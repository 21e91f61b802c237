"""The fictitious candidates of the two demo tenants, the tables around them, and what loads both."""

from pathlib import Path
from typing import NamedTuple

import psycopg2.extensions
from psycopg2.extras import execute_values


class Candidate(NamedTuple):
    """A row of `candidates` without its id."""

    name: str
    job_role: str
    email: str
    phone: str
    location: str


MYCOMPANY = (
    Candidate("Aanya Deshpande", "Backend Engineer", "aanya.deshpande@example.com", "+91 55501 00101", "Pune"),
    Candidate(
        "Rohan Kulkarni",
        "Site Reliability Engineer",
        "rohan.kulkarni@example.com",
        "+91 55501 00102",
        "Mumbai",
    ),
    Candidate("Meera Pillai", "Product Manager", "meera.pillai@example.com", "+91 55501 00103", "Kochi"),
    Candidate("Vikram Sethi", "Data Engineer", "vikram.sethi@example.com", "+91 55501 00104", "Gurugram"),
    Candidate("Ishita Banerjee", "Frontend Engineer", "ishita.banerjee@example.com", "+91 55501 00105", "Kolkata"),
    Candidate("Arjun Reddy", "Database Administrator", "arjun.reddy@example.com", "+91 55501 00106", "Hyderabad"),
    Candidate("Kavya Nair", "UX Designer", "kavya.nair@example.com", "+91 55501 00107", "Bengaluru"),
    Candidate("Nikhil Joshi", "Backend Engineer", "nikhil.joshi@example.com", "+91 55501 00108", "Nashik"),
    Candidate("Sana Qureshi", "Security Engineer", "sana.qureshi@example.com", "+91 55501 00109", "Delhi"),
    Candidate("Tarun Bhatia", "QA Engineer", "tarun.bhatia@example.com", "+91 55501 00110", "Chandigarh"),
)

MYCOMPANY1 = (
    Candidate("Hannah Whitlock", "Account Executive", "hannah.whitlock@example.com", "+1 555 0101", "Richmond"),
    Candidate("Marcus Oyelaran", "Backend Engineer", "marcus.oyelaran@example.com", "+1 555 0102", "Arlington"),
    Candidate("Elena Vasquez", "Data Scientist", "elena.vasquez@example.com", "+1 555 0103", "Baltimore"),
    Candidate("Trevor Lindqvist", "Platform Engineer", "trevor.lindqvist@example.com", "+1 555 0104", "Raleigh"),
    Candidate("Priya O'Connor", "Engineering Manager", "priya.oconnor@example.com", "+1 555 0105", "Boston"),
    Candidate("Jamal Whitaker", "Support Engineer", "jamal.whitaker@example.com", "+1 555 0106", "Atlanta"),
    Candidate("Sofia Lindgren", "Technical Writer", "sofia.lindgren@example.com", "+1 555 0107", "Philadelphia"),
)


_TABLES = Path(__file__).with_name("sample_tables.sql")
_ARE_THERE = """
SELECT EXISTS (SELECT FROM pg_class
               WHERE relnamespace = 'public'::regnamespace
               AND relname IN ('companies', 'tags', 'candidates_tags', 'applicants'))
"""


def load_candidates(connection: psycopg2.extensions.connection, owner: str, people: tuple[Candidate, ...]) -> None:
    """Fill the sample application's table as the tenant's owner role, unless it has rows already.

    :param connection: to the tenant's database, as a login that may become `owner`.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", (owner,))
        if not _tells(cursor, "SELECT EXISTS (SELECT FROM candidates)"):
            execute_values(cursor, "INSERT INTO candidates (name, job_role, email, phone, location) VALUES %s", people)


def make_tables(connection: psycopg2.extensions.connection, owner: str) -> None:
    """Make the tables that docs/data-api.md names, around those candidates, unless one of them is there already."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", (owner,))
        if not _tells(cursor, _ARE_THERE):
            cursor.execute(_TABLES.read_text("utf-8"))


def _tells(cursor: psycopg2.extensions.cursor, question: str) -> bool:
    cursor.execute(question)
    found = cursor.fetchone()
    return bool(found and found[0])
