-- Who fills a tenant's home. It may become the owner there, for as long as a copy may take.
ALTER ROLE {login} CONNECTION LIMIT 8 PASSWORD {verifier} VALID UNTIL {until};
GRANT {owner} TO {login}{options};
GRANT CONNECT ON DATABASE {databases} TO {login};
