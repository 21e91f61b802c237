"""Every error that Tenantry raises on purpose, and what its caller gets to see.

TenantryError
├── Unauthenticated           the token is missing or does not verify
├── AccessDenied              the token verifies, but does not allow this
│   ├── TenantSuspended
│   ├── TenantRenamed         the token names an id that its tenant had before
│   ├── TenantUnmetered       the tenant has no usage key
│   └── IdentityMismatch      two of the tenant's names that must agree do not
├── NotFound
│   └── TenantUnknown
├── BadRequest
│   ├── GrammarError          the data API does not understand the URL or a header
│   └── RequestRefused        the request is understood, but can't be served (carries PostgREST's code)
├── Conflict                  the request clashes with the present state, or with work that is under way
├── PayloadTooLarge
├── TooManyAtOnce             as many statements of the tenant's are running as its plan allows
├── StatementFailed           PostgreSQL refused the statement (carries its SQLSTATE)
├── DatabaseUnavailable       the database cannot be reached, or refuses the login
│   ├── DatabaseGone          the server answers, and has no such database
│   ├── OutcomeUnknown        the connection broke after a write was sent
│   └── TenantMoving          the tenant is being moved, and takes no writes meanwhile
├── DatabaseTimeout
├── DependencyFailed          an AWS service answered with an error
├── BackupFailed
├── CopyFailed                a tenant's data could not be copied, or the copy differs
├── RestoreFailed             a backup could not be restored, or is not what its manifest says
└── InvalidSetting            the deployment is configured wrongly
"""

from typing import Self

# A sentence, or a list of choices such as relationships.
Details = str | list[dict[str, str]] | None


class TenantryError(Exception):
    """Something went wrong inside Tenantry."""

    code = "internal_error"
    hint: str | None = None
    # After how many seconds a retry makes sense, for errors that can be retried.
    retry_seconds = 1

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Details = None,
        hint: str | None = None,
    ) -> None:
        """Take what the caller may see: `message`, `details` and `hint` never hold a secret, a host or driver text."""
        self.message = message or (type(self).__doc__ or "").split("\n", 1)[0]
        self.code = code or type(self).code
        self.details = details
        self.hint = hint or type(self).hint
        super().__init__(self.message)

    def without_cause(self) -> Self:
        """Copy the error without its causes: a cause may name a host, and Lambda prints whatever a handler raises."""
        return type(self)(self.message, code=self.code, details=self.details, hint=self.hint)


class Unauthenticated(TenantryError):
    """The request carries no valid token."""

    code = "unauthenticated"
    hint = "Sign in again and send the id token as 'Authorization: Bearer …'."


class AccessDenied(TenantryError):
    """You may not do this."""

    code = "access_denied"


class TenantSuspended(AccessDenied):
    """This tenant is suspended."""

    code = "tenant_suspended"
    hint = "Ask the operator of this service to resume the tenant."


class TenantRenamed(AccessDenied):
    """This tenant has another id now, which your token does not name."""

    code = "tenant_renamed"
    hint = "Sign out and in again: your account went along with the tenant."


class TenantUnmetered(AccessDenied):
    """This tenant has no usage key, so its requests can't be counted."""

    code = "tenant_unmetered"
    hint = "Ask the operator of this service to set the tenant's limits once more."


class IdentityMismatch(AccessDenied):
    """The names of the tenant do not agree, so the request was refused."""

    code = "identity_mismatch"
    hint = "Nothing was read or changed. The operator has to check the tenant's secret and database."


class NotFound(TenantryError):
    """There is no such thing."""

    code = "not_found"


class TenantUnknown(NotFound):
    """The token names a tenant that is not served here."""

    code = "tenant_unknown"
    hint = "Check that you signed in to the right environment."


class BadRequest(TenantryError):
    """The request is malformed."""

    code = "bad_request"


class GrammarError(BadRequest):
    """The request could not be parsed."""

    code = "PGRST100"


class RequestRefused(BadRequest):
    """The request cannot be served as it is."""

    code = "PGRST000"
    # Additional headers of the answer.
    headers: dict[str, str] | None = None


class Conflict(TenantryError):
    """The request clashes with what is there."""

    code = "conflict"


class PayloadTooLarge(TenantryError):
    """The request or its answer is too large."""

    code = "payload_too_large"


class StorageFull(AccessDenied):
    """The tenant's data takes up more than it may, so nothing is taken in until there is less, or more is allowed."""

    code = "storage_full"
    hint = "Nothing was changed. Rows can be read and deleted (DELETE). Ask your operator for a higher limit."


class TooManyAtOnce(TenantryError):
    """As many statements of this tenant are running as its plan allows."""

    code = "too_many_at_once"
    hint = "Nothing was changed. Send the same request again in a moment, and fewer at the same time."


class StatementFailed(TenantryError):
    """The database refused the statement; `code` is its SQLSTATE."""

    code = "XX000"
    # The status and the headers that a tenant's own function chose for this error.
    answer: tuple[int, dict[str, str]] | None = None


class DatabaseUnavailable(TenantryError):
    """The tenant's database cannot be reached at the moment."""

    code = "08006"
    hint = "Try again in a moment."


class DatabaseGone(DatabaseUnavailable):
    """The database is not there."""

    code = "3D000"
    hint = "To try again does not help: the operator of this service has to restore the tenant's newest backup."


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke after the statement was sent, so it may or may not have taken effect."""

    code = "08007"
    hint = "Read the rows again before you repeat the change."


class TenantMoving(DatabaseUnavailable):
    """The tenant is being moved: for a moment its data can be read and not changed."""

    code = "tenant_moving"
    hint = "Nothing was changed. Send the same request again in a few seconds."
    retry_seconds = 5


class SchemaBehind(DatabaseUnavailable):
    """The tenant's schema is not at the revision that the deployed application needs."""

    code = "schema_behind"
    hint = "Nothing was changed. The tenant's tables are being brought up to date: send the same request again later."
    retry_seconds = 30


def unavailable(sqlstate: str) -> DatabaseUnavailable:
    """Make the error for a database that can't be reached, by the SQLSTATE with which its server refuses."""
    return DatabaseGone() if sqlstate == DatabaseGone.code else DatabaseUnavailable(code=sqlstate)


class DatabaseTimeout(TenantryError):
    """The database did not answer in time."""

    code = "57014"
    hint = "Ask for fewer rows, or filter by an indexed column."


class DependencyFailed(TenantryError):
    """A service that this request needs did not answer as expected."""

    code = "dependency_failed"
    hint = "Try again in a moment."


class BackupFailed(TenantryError):
    """The backup was not taken; nothing was published."""

    code = "backup_failed"


class CopyFailed(TenantryError):
    """The tenant's data could not be copied; it is where it was."""

    code = "copy_failed"


class RestoreFailed(TenantryError):
    """The backup could not be restored; what was there is as it was."""

    code = "restore_failed"


class InvalidSetting(TenantryError):
    """A setting of this function is missing or malformed."""

    code = "invalid_setting"
