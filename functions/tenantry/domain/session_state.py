"""What a statement of a tenant's may leave behind in its session that nothing takes back."""

from typing import Final

# A text of those settings that are in force before the next request's message can reset them. Worked out last of all in
# a statement it also has the answer sent as we read it, whatever a function has set for itself: only then is there one
# word more, so that the session is seen not to be what it was. Triggers may come later still: what they have sent
# otherwise can't be read, because the first letter is another then.
_AS_WE_READ_IT = (
    " CASE WHEN pg_catalog.pg_client_encoding() <> 'UTF8'"
    " THEN pg_catalog.set_config('client_encoding', 'UTF8', true) END)"
)
SESSION_STATE: Final = (
    "pg_catalog.concat_ws(' ', 'ä', pg_catalog.current_setting('default_transaction_isolation'),"
    " pg_catalog.current_setting('default_transaction_deferrable'), pg_catalog.current_setting('idle_session_timeout'),"
    " pg_catalog.current_setting('transaction_timeout', true),"
    " CASE WHEN pg_catalog.current_setting('statement_timeout') LIKE ANY (ARRAY['_ms', '__ms']) THEN 'hurried' END,"
    f"{_AS_WE_READ_IT}"
)
# The same where each message begins with a transaction that resets them.
TRANSACTION_STATE: Final = f"pg_catalog.concat_ws(' ', 'ä',{_AS_WE_READ_IT}"
