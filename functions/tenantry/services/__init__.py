"""Use cases. They receive their adapters as arguments; the handlers wire them."""
