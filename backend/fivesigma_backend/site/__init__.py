"""Home and the administrator's overview."""
