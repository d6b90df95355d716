"""Imports the tables of every feature, so that `Base.metadata` is whole (migrations, tests)."""

from .accounts import models as accounts
from .challenges import models as challenges
from .core import audit, leases
from .core.db import Base
from .submissions import models as submissions
from .teams import models as teams

__all__ = ["Base", "accounts", "audit", "challenges", "leases", "submissions", "teams"]
