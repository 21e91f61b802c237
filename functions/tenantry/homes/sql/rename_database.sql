-- One transaction, so that the database names its tenant under either name.
ALTER DATABASE {before} RENAME TO {after};
ALTER DATABASE {after} SET tenantry.tenant_id = {tenant_id};
