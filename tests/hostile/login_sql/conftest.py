"""Tenants who share a database, and log in to it themselves."""
