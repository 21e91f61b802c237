-- The tenant's owner takes over the objects. Their former owner gets the owner's rights, so its application can go on
-- with what it has open.
GRANT {owner} TO {user}{inherit};
REASSIGN OWNED BY {user} TO {owner};
