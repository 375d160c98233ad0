"""The tables in which the studio's database keeps what was learnt. They hold no prompts and no owners."""

TABLES = (
    """
CREATE TABLE IF NOT EXISTS measured (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    formula INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    prior REAL NOT NULL,
    seconds REAL NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    finished_at REAL NOT NULL,
    mode TEXT NOT NULL,
    preset TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    cold INTEGER NOT NULL,
    predicted REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    seconds REAL NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS calibrations (
    device TEXT PRIMARY KEY,
    tflops REAL NOT NULL,
    measured_at REAL NOT NULL
) STRICT
""",
    "CREATE INDEX IF NOT EXISTS measured_of_device ON measured (device, formula, kind)",
    "CREATE INDEX IF NOT EXISTS runs_of_device ON runs (device, finished_at DESC)",
)
