"""Where tenants live: one interface over the three isolation models."""
