-- The objects go to the tenant's owner. Their former owner has the owner's rights from here on, so its application goes
-- on with what it has open.
GRANT {owner} TO {user}{inherit};
REASSIGN OWNED BY {user} TO {owner};
