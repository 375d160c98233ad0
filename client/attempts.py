"""What the attempts of one job have to do with each other. Pure."""

from __future__ import annotations

import uuid
from dataclasses import replace

from client.store import Row


def earlier(row: Row) -> str | None:
    """The prompt id of the attempt before, which may still be on the engine; None in the first one."""
    return None if row.attempt == 1 else replace(row, attempt=row.attempt - 1).prompt_id


def listener(row: Row) -> str:
    """The client id of this attempt: what an engine still says of an earlier one is not for it."""
    return row.client_id if row.attempt == 1 else uuid.UUID(row.prompt_id).hex


def on_engine(row: Row) -> bool:
    """Whether the engine may have the job: it has been sent, in this attempt or an earlier one."""
    return row.posted_at is not None or row.attempt > 1
