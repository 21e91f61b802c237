"""The routes of the operators' API, a file for each kind of thing."""
