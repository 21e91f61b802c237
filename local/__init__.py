"""The local stack: two PostgreSQL servers, a local AWS with the real template deployed, tenants and a console."""
