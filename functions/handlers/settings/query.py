"""The settings of query_tenant."""

from dataclasses import dataclass

from handlers.settings.environment import computed, number, read_number, read_text, reader, text


def _serves_one_tenant() -> bool:
    return read_text("TENANT_ISOLATION", "SHARED") == "PER_TENANT"


def _max_connections() -> int:
    # An execution environment that serves only one tenant needs only one connection.
    return 1 if _serves_one_tenant() else read_number("MAX_CONNECTIONS", 8)


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """The settings of query_tenant. Ages and times are in seconds unless the name says otherwise."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    tenant_role_arn: str = text("TENANT_ROLE_ARN")
    error_counts_table: str = text("ERROR_COUNTS_TABLE")
    per_tenant_compute: bool = computed(_serves_one_tenant)
    cors_origin: str = text("CORS_ORIGIN", "*")
    max_connections: int = computed(_max_connections)
    connection_age: int = number("CONNECTION_AGE_SECONDS", 900)
    connection_idle: int = number("CONNECTION_IDLE_SECONDS", 240)
    secret_age: int = number("SECRET_AGE_SECONDS", 300)
    catalogue_age: int = number("CATALOGUE_AGE_SECONDS", 300)
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 4)
    statement_timeout_ms: int = number("STATEMENT_TIMEOUT_MS", 10_000)
    max_rows: int = number("MAX_ROWS", 1_000)
    max_body_bytes: int = number("MAX_BODY_BYTES", 1_000_000)
    # Lambda allows 6 MB for the whole answer, in which the body is a JSON string: quotes are escaped.
    at_once: int = number("AT_ONCE", 4)
    work_mem_kb: int = number("WORK_MEM_KB", 2_048)
    max_answer_bytes: int = number("MAX_ANSWER_BYTES", 4_500_000)
    # Lambda's own, in MB; 0 is no limit.
    memory_mb: int = number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0)
    # Empty: any revision will do.
    required_revision: str = text("REQUIRED_REVISION", "")


query_settings = reader(QuerySettings)
