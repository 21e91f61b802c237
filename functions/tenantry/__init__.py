"""Tenantry: serves and backs up a PostgreSQL database for each customer."""

VERSION = "0.1.0"
