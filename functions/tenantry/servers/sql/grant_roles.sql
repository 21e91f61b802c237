-- The login holds nothing of itself (NOINHERIT): it has to become one of the three inside a transaction.
GRANT {owner}, {editor}, {viewer} TO {login};
