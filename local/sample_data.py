"""The fictitious candidates of the two demo tenants, and the function that loads them."""

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


def load_candidates(connection: psycopg2.extensions.connection, owner: str, people: tuple[Candidate, ...]) -> None:
    """Fill the sample application's table as the tenant's owner role, unless it has rows already.

    :param connection: to the tenant's database, as a login that may become `owner`.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", (owner,))
        cursor.execute("SELECT EXISTS (SELECT FROM candidates)")
        found = cursor.fetchone()
        if found and found[0]:
            return
        execute_values(cursor, "INSERT INTO candidates (name, job_role, email, phone, location) VALUES %s", people)
