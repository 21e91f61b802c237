"""The read as it is commonly written: each request fetches the secret and opens its own connection.

To be fair, the endpoint keeps its AWS client, and setting the role costs no extra round trip.
"""

import json
import os
from typing import Any

import boto3
import psycopg2
from fastapi import FastAPI
from psycopg2.extras import RealDictCursor

from benchmarks.versus_naive import ROLE_VARIABLE, SECRET_VARIABLE

app = FastAPI()
_secrets = boto3.client("secretsmanager", region_name=os.environ["AWS_REGION"])
_QUERY = "SELECT id, name, job_role, email, phone, location FROM candidates ORDER BY id LIMIT 20"


@app.get("/candidates")
def candidates() -> list[dict[str, Any]]:
    """Answer with the first twenty candidates."""
    secret = json.loads(_secrets.get_secret_value(SecretId=os.environ[SECRET_VARIABLE])["SecretString"])
    connection = psycopg2.connect(
        host=secret["host"],
        port=secret["port"],
        dbname=secret["dbname"],
        user=secret["username"],
        password=secret["password"],
        sslmode=secret["sslmode"],
        options=f"-c role={os.environ[ROLE_VARIABLE]}",
        cursor_factory=RealDictCursor,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY)
            return [dict(row) for row in cursor.fetchall()]
    finally:
        connection.close()
