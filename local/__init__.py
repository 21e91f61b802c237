"""The local stack: two PostgreSQL servers, a local AWS with the real template in it, tenants and a console."""
