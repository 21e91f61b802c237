-- Everything from the template becomes the tenant's. The template's role owns nothing outside its databases, so this
-- changes the tenant's database only.
REASSIGN OWNED BY {template} TO {owner};
