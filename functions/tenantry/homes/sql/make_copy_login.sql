-- The login that fills a tenant's home. It may take the tenant's roles there, until the time limit of a copy has passed.
ALTER ROLE {login} CONNECTION LIMIT 8 PASSWORD {verifier} VALID UNTIL {until};
GRANT {roles} TO {login}{options};
GRANT CONNECT ON DATABASE {databases} TO {login};
