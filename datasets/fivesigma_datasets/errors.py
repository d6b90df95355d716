"""The one exception of this package."""


class DataError(ValueError):
    """Data that cannot be used; the text says what is wrong with what, and what to do."""
