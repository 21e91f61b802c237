"""The outside world, one concern a file. Errors are translated here, by SQLSTATE or error code."""
