"""Containers and formats of prediction files, read under limits. Nothing here ever unpickles."""
