"""Home, health, metrics and the documentation of the API."""
