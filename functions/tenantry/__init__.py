"""Tenantry: every customer a PostgreSQL database of their own, served and backed up."""

VERSION = "0.1.0"
