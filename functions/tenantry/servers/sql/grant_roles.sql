-- The login has no rights of its own (NOINHERIT): it has to take one of the three roles inside a transaction.
GRANT {owner}, {editor}, {viewer} TO {login};
