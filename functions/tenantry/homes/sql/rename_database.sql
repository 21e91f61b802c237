-- One transaction: under either name the database says whose it is.
ALTER DATABASE {before} RENAME TO {after};
ALTER DATABASE {after} SET tenantry.tenant_id = {tenant_id};
