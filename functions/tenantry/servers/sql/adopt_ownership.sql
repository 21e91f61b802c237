-- The tenant's owner takes over the objects. Their former owner gets the owner's rights, so that its application can go on
-- in the sessions that it has open.
GRANT {owner} TO {user}{inherit};
REASSIGN OWNED BY {user} TO {owner};
