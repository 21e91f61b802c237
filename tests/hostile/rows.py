"""For each route, report and operation, the files that attack it. A new one has to name its row here.

A row is a line: what is attacked, and the files, from the project's root. Whoever adds an attack adds its file to the
rows that it attacks; where one name stands for several files, it stands above the tables.
"""

# With tokens: every route, of every tenant, as every role.
LEAKS = "tests/e2e/test_leaks.py"

_NAMES = (
    "tests/hostile/operator_slip/test_taken_names.py",
    "tests/hostile/operator_slip/test_unmarked_fleet.py",
    "tests/hostile/adopted_database/test_forged_marks.py",
)
_EXITS = (
    "tests/hostile/operator_slip/test_no_way_out.py",
    "tests/hostile/operator_slip/test_lost_new_home.py",
)
_ONE_SERVER = ("tests/hostile/operator_slip/test_one_server_twice.py",)
_ERASED_IDS = ("tests/hostile/admin_token/test_erased_ids.py",)
_SETTINGS = ("tests/hostile/owner_sql/test_settings_that_bind_others.py",)
_ADOPTED = (
    "tests/hostile/adopted_database/test_drills_and_restores.py",
    "tests/hostile/adopted_database/test_made_as_it_was.py",
    "tests/hostile/adopted_database/test_reserved_names.py",
    "tests/hostile/adopted_database/test_schemas.py",
    "tests/hostile/adopted_database/test_whoever_owns_what.py",
)

_GRAMMAR = (
    "tests/hostile/editor_token/test_pooled_sessions.py",
    "tests/integration/data_api/test_injection.py",
    "tests/integration/data_api/statements/test_attacks.py",
    "tests/integration/data_api/test_schemathesis.py",
    "tests/unit/postgrest/test_any_request.py",
    "tests/hostile/viewer_token/test_names.py",
    "tests/hostile/viewer_token/test_half_pairs.py",
    "tests/hostile/viewer_token/test_casts.py",
    "tests/hostile/viewer_token/test_cost.py",
    "tests/hostile/viewer_token/test_patterns.py",
    "tests/hostile/viewer_token/test_raised_codes.py",
    "tests/hostile/viewer_token/test_computed_filters.py",
    "tests/hostile/editor_token/test_stale_types.py",
    "tests/hostile/editor_token/test_stale_defaults.py",
    "tests/hostile/editor_token/test_csv.py",
    "tests/hostile/editor_token/test_bytes.py",
    "tests/hostile/editor_token/test_lost_answers.py",
)
_QUOTA = ("tests/hostile/editor_token/test_quota.py",)
_SESSIONS = (
    "tests/hostile/viewer_token/test_sessions.py",
    "tests/hostile/viewer_token/test_time_is_over.py",
    "tests/hostile/login_sql/test_shared_locks.py",
    "tests/hostile/login_sql/test_what_is_seen_of_neighbours.py",
    "tests/hostile/operator_slip/test_mended_secret.py",
    "tests/integration/data_api/test_connections.py",
    "tests/integration/homes/test_isolation_of_models.py",
    "tests/hostile/owner_sql/test_digests.py",
)
# Cursors that were made up, or are of another list.
_LISTS = ("tests/unit/handlers/test_lists.py",)
_ROLLOUTS = (
    "tests/integration/revisions/test_phases.py",
    "tests/integration/rollouts/test_rollouts.py",
    "tests/integration/rollouts/test_faults.py",
    "tests/integration/rollouts/test_error_gate.py",
    "tests/hostile/owner_sql/test_rollouts.py",
)
_OWNERS_SQL = ("tests/integration/homes/test_hostile_tenant.py",)
_DUMPS = (
    "tests/integration/restores/test_hostile.py",
    "tests/integration/backups/test_broken_dumps.py",
    "tests/integration/restores/drills/test_drills.py",
    "tests/hostile/owner_sql/test_backup_logins.py",
    *_SETTINGS,
    *_ADOPTED,
)
_BY_HAND = (
    "tests/hostile/owner_sql/test_names_by_hand.py",
    "tests/hostile/operator_slip/test_documented_commands.py",
    "tests/hostile/owner_sql/test_answers_in_terminals.py",
)
_MOVES = (
    "tests/integration/relocation/test_past_the_fence.py",
    "tests/integration/relocation/test_refusals.py",
    *_ONE_SERVER,
    *_EXITS,
    *_NAMES,
    *_SETTINGS,
)
_RENAMES = (
    "tests/hostile/operator_slip/test_clone_and_rename.py",
    "tests/hostile/owner_sql/test_dropped_homes.py",
    "tests/integration/tenants/renaming/test_refusals.py",
    "tests/integration/tenants/renaming/test_what_remains.py",
    *_EXITS,
    *_NAMES,
    *_ERASED_IDS,
)
_ERASURES = (
    "tests/integration/tenants/test_erasure.py",
    *_EXITS,
    "tests/integration/homes/test_erasure_of_models.py",
    "tests/integration/homes/test_removal.py",
    *_ERASED_IDS,
    *_SETTINGS,
)
_ADOPTIONS = (
    "tests/integration/tenants/adoption/test_refusals.py",
    "tests/integration/tenants/adoption/test_in_use.py",
    "tests/hostile/adopted_database/test_adopted_names.py",
    "tests/hostile/adopted_database/test_reserved_names.py",
    "tests/hostile/adopted_database/test_claims.py",
    "tests/hostile/login_sql/test_adopted_meanwhile.py",
)
_REPORTS = (
    "tests/hostile/login_sql/test_settings_of_neighbours.py",
    "tests/hostile/owner_sql/test_reports.py",
    "tests/hostile/owner_sql/test_fleet_reports.py",
    "tests/hostile/adopted_database/test_report.py",
)
_METHODS = ("get", "head", "post", "put", "patch", "delete")
# Paths and methods that the data API does not have.
_EDGES = "tests/integration/data_api/test_protocol.py"
_LIMITS = ("tests/integration/tenants/limits/test_limits.py",)
_AUDIT = ("tests/hostile/operator_slip/test_trail.py",)

_ROLLOUT = "/admin/v1/rollouts/{rollout_id}"
_TENANT = "/admin/v1/tenants/{tenant_id}"
_BACKUP = f"{_TENANT}/backups/{{backup_id}}"

# By path and method, as in the template.
ROUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("/health", "get"): (LEAKS,),
    ("/rest/v1", "get"): (LEAKS, "tests/integration/data_api/test_visibility.py"),
    ("/rest/v1", "head"): (LEAKS, "tests/integration/data_api/test_visibility.py"),
    ("/rest/v1/{table}", "get"): (LEAKS, *_GRAMMAR, *_SESSIONS),
    ("/rest/v1/{table}", "head"): (LEAKS, *_GRAMMAR),
    ("/rest/v1/{table}", "put"): (LEAKS, *_QUOTA, *_GRAMMAR),
    ("/rest/v1/{table}", "post"): (LEAKS, *_QUOTA, *_GRAMMAR, *_SESSIONS),
    ("/rest/v1/{table}", "patch"): (LEAKS, *_QUOTA, *_GRAMMAR, *_SESSIONS),
    ("/rest/v1/{table}", "delete"): (LEAKS, *_QUOTA, *_GRAMMAR, *_SESSIONS),
    ("/rest/v1/rpc/{function}", "get"): (LEAKS, *_GRAMMAR),
    ("/rest/v1/rpc/{function}", "head"): (LEAKS, *_GRAMMAR),
    ("/rest/v1/rpc/{function}", "post"): (LEAKS, *_QUOTA, *_GRAMMAR),
    **{
        (path, method): (LEAKS, _EDGES)
        for path, methods in {
            "/rest/v1": ("post", "put", "patch", "delete"),
            "/rest/v1/rpc": _METHODS,
            "/rest/v1/rpc/{function}": ("put", "patch", "delete"),
            "/rest/v1/{table}/{proxy+}": _METHODS,
            "/rest/v1/rpc/{function}/{proxy+}": _METHODS,
        }.items()
        for method in methods
    },
    ("/backups/v1", "get"): (LEAKS, "tests/e2e/test_own_backups.py"),
    ("/backups/v1", "post"): (LEAKS, "tests/e2e/test_own_backups.py"),
    ("/backups/v1/{backup_id}", "get"): (LEAKS, "tests/e2e/test_own_backups.py"),
    ("/backups/v1/{backup_id}/download", "post"): (LEAKS, "tests/e2e/test_own_backups.py"),
    ("/admin/v1/servers", "get"): (LEAKS, *_LISTS),
    ("/admin/v1/servers/{server_id}", "get"): (LEAKS,),
    ("/admin/v1/servers/{server_id}", "put"): (LEAKS, *_ONE_SERVER),
    ("/admin/v1/servers/{server_id}", "delete"): (LEAKS, *_ONE_SERVER),
    ("/admin/v1/servers/{server_id}/drain", "post"): (LEAKS, *_EXITS),
    ("/admin/v1/tenants", "get"): (LEAKS, *_LISTS),
    (_TENANT, "get"): (LEAKS,),
    (_TENANT, "put"): (LEAKS, *_OWNERS_SQL, *_NAMES, *_ERASED_IDS),
    (_TENANT, "delete"): (LEAKS, *_ERASURES),
    (f"{_TENANT}/adopt", "post"): (LEAKS, *_ADOPTIONS),
    (f"{_TENANT}/suspend", "post"): (LEAKS,),
    (f"{_TENANT}/resume", "post"): (LEAKS,),
    (f"{_TENANT}/keep", "post"): (LEAKS, *_ERASURES),
    (f"{_TENANT}/certificates", "get"): (LEAKS, *_LISTS),
    (f"{_TENANT}/move", "post"): (LEAKS, *_MOVES),
    (f"{_TENANT}/promote", "post"): (LEAKS, *_MOVES),
    (f"{_TENANT}/clone", "post"): (LEAKS, "tests/integration/relocation/test_clone.py"),
    (f"{_TENANT}/rename", "post"): (LEAKS, *_RENAMES),
    (f"{_TENANT}/confirm", "post"): (LEAKS, *_MOVES),
    (f"{_TENANT}/undo", "post"): (LEAKS, *_MOVES),
    (f"{_TENANT}/limits", "put"): (LEAKS, *_LIMITS, *_SESSIONS, *_QUOTA),
    (f"{_TENANT}/data-api", "put"): (LEAKS, "tests/integration/data_api/test_exposure.py"),
    (f"{_TENANT}/retention", "post"): (LEAKS, "tests/integration/backups/retention/test_retention.py"),
    (f"{_TENANT}/retention", "put"): (LEAKS, "tests/integration/backups/retention/test_retention.py"),
    (f"{_TENANT}/backups", "get"): (LEAKS, *_LISTS, "tests/integration/backups/retention/test_catalogue.py"),
    (f"{_TENANT}/backups", "post"): (LEAKS, "tests/integration/backups/test_on_demand.py"),
    (_BACKUP, "get"): (LEAKS, *_BY_HAND),
    (f"{_BACKUP}/download", "post"): (LEAKS, *_BY_HAND),
    (f"{_BACKUP}/restore", "post"): (LEAKS, *_DUMPS),
    (f"{_BACKUP}/hold", "put"): (LEAKS,),
    (f"{_BACKUP}/hold", "delete"): (LEAKS,),
    ("/admin/v1/operations", "get"): (LEAKS, *_LISTS),
    ("/admin/v1/operations/{operation_id}", "get"): (LEAKS, *_EXITS),
    ("/admin/v1/reports/isolation", "get"): (LEAKS,),
    ("/admin/v1/reports/isolation", "post"): (LEAKS, *_REPORTS),
    ("/admin/v1/reports/connections", "get"): (LEAKS, *_REPORTS),
    ("/admin/v1/reports/drift", "get"): (LEAKS,),
    ("/admin/v1/reports/drift", "post"): (LEAKS, *_REPORTS),
    ("/admin/v1/reports/cost", "get"): (LEAKS,),
    ("/admin/v1/reports/cost", "post"): (LEAKS, *_REPORTS),
    ("/admin/v1/reports/backups", "get"): (LEAKS, *_REPORTS),
    ("/admin/v1/reports/backups", "post"): (LEAKS,),
    ("/admin/v1/reports/pgadmin", "get"): (LEAKS, *_LISTS),
    ("/admin/v1/reports/pgadmin", "post"): (LEAKS, "tests/integration/access/inspection/test_looks_at_homes.py"),
    ("/admin/v1/rollouts", "get"): (LEAKS, *_LISTS),
    ("/admin/v1/rollouts", "post"): (LEAKS, *_ROLLOUTS),
    (_ROLLOUT, "get"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/tenants", "get"): (LEAKS, *_LISTS, *_ROLLOUTS),
    (f"{_ROLLOUT}/pause", "post"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/resume", "post"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/promote", "post"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/cancel", "post"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/revert", "post"): (LEAKS, *_ROLLOUTS),
    (f"{_ROLLOUT}/skip", "post"): (LEAKS, *_ROLLOUTS),
    ("/admin/v1/reports/migrations", "get"): (LEAKS, *_ROLLOUTS),
    ("/admin/v1/audit", "get"): (LEAKS, *_LISTS, *_AUDIT),
}

# By the last part of their path.
REPORTS: dict[str, tuple[str, ...]] = {
    "isolation": ("tests/hostile/owner_sql/test_reports.py",),
    "connections": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "drift": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "cost": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "backups": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "pgadmin": ("tests/integration/access/inspection/test_looks_at_homes.py", "tests/unit/domain/test_pgadmin.py"),
    "migrations": _ROLLOUTS,
}

# By the kinds that perform_operation knows.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "move_tenant": (*_MOVES, *_OWNERS_SQL),
    "promote_tenant": (*_MOVES, *_OWNERS_SQL),
    "abandon_move": _MOVES,
    "undo_move": _MOVES,
    "confirm_move": _MOVES,
    "clone_tenant": (
        "tests/integration/relocation/test_clone.py",
        "tests/hostile/operator_slip/test_clone_and_rename.py",
        *_EXITS,
        *_OWNERS_SQL,
    ),
    "restore_tenant": _DUMPS,
    "restore_tables": ("tests/integration/restores/test_tables.py",),
    "undo_restore": _DUMPS,
    "abandon_restore": ("tests/integration/restores/test_faults.py", *_EXITS),
    "erase_tenant": (*_ERASURES, *_OWNERS_SQL),
    "erase_remains": ("tests/integration/tenants/test_erased_remains.py",),
    "rename_tenant": (*_RENAMES, *_OWNERS_SQL),
    "apply_retention": ("tests/integration/backups/retention/test_retention.py",),
    "plan_retention": ("tests/integration/backups/retention/test_retention.py",),
    "audit_isolation": ("tests/hostile/owner_sql/test_reports.py",),
    "report_drift": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "report_cost": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "report_backups": ("tests/hostile/owner_sql/test_fleet_reports.py",),
    "close_pgadmin": ("tests/integration/access/inspection/test_looks.py", *_EXITS),
}
