"""The clock that leases go by: where several machines share a database, it is the database's."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.functions import Now


def lease_clock(now: datetime) -> Any:
    """An expression for conditions and updates; `now`, this machine's, where there is no other machine (SQLite)."""
    return Now() if connection.vendor == "postgresql" else now
