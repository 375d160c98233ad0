"""The words by which videos are found, in a full-text table (SQLite's FTS5) beside the table of jobs.

A row there has the rowid of its job and, to tell when the two no longer fit, the job's id: SQLite gives new rowids when
somebody vacuums the file. `mend` then writes all of them anew, as it does for a database that never had any.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

STATEMENTS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(id UNINDEXED, text)",
    "CREATE TRIGGER IF NOT EXISTS words_go AFTER DELETE ON jobs BEGIN DELETE FROM words WHERE rowid = old.rowid; END",
)
FILL = "INSERT INTO words (rowid, id, text) SELECT rowid, id, searched(request) FROM jobs"
ASTRAY = "SELECT 1 FROM jobs LEFT JOIN words ON words.rowid = jobs.rowid WHERE words.id IS NOT jobs.id LIMIT 1"
FOUND = "rowid IN (SELECT rowid FROM words WHERE words MATCH ?)"
"""The condition on jobs, with what `query` makes."""
UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff])")
"""Scripts that put no spaces between words: each of their signs counts as one."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the table where it is missing, and fill it where it does not fit. Inside a transaction."""
    connection.create_function("searched", 1, searched, deterministic=True)
    for statement in STATEMENTS:
        connection.execute(statement)
    if connection.execute(ASTRAY).fetchone():
        connection.execute("DELETE FROM words")
        connection.execute(FILL)


def add(connection: sqlite3.Connection, job_id: str) -> None:
    """Make a new job one that can be found. Inside the transaction that writes its row."""
    connection.execute(f"{FILL} WHERE id = ?", (job_id,))


def searched(request: str) -> str:
    """What a job is found by: prompt, names of files, LoRAs and seed of a stored request."""
    return _signs_apart("\n".join(_texts(json.loads(request))).casefold())


def _texts(values: dict[str, Any]) -> Iterator[str]:
    yield str(values.get("prompt") or "")
    yield str(values.get("seed", ""))
    for value in values.values():
        if isinstance(value, dict):
            yield from (str(media.get("source") or "") for media in value.values())
        elif isinstance(value, list):
            yield from (str(lora.get("name") or "") for lora in value)


def query(text: str) -> str:
    """What finds jobs that have all these words or words that begin so; "" where there is no word in the text."""
    words = [word for word in text.casefold().split() if re.search(r"[^\W_]", word)]
    return " ".join('"{}"*'.format(_signs_apart(word).replace('"', '""')) for word in words)


def _signs_apart(text: str) -> str:
    return UNSPACED.sub(r" \1 ", text)
