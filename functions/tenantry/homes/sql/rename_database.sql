-- One transaction, so that the database's settings name its tenant under the old name and under the new one.
ALTER DATABASE {before} RENAME TO {after};
ALTER DATABASE {after} SET tenantry.tenant_id = {tenant_id};
