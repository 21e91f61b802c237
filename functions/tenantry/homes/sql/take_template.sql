-- What came with the template becomes the tenant's. The template's role owns nothing outside its databases, so this
-- touches the tenant's database only.
REASSIGN OWNED BY {template} TO {owner};
