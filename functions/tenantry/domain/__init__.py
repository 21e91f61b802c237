"""What Tenantry talks about. Nothing in here knows AWS, PostgreSQL's driver or HTTP."""
