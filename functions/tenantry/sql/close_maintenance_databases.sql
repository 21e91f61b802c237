-- Every login may connect to these by default. A tenant's login connects to its own database only.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
