"""A studio's job manager in a process of its own, to be killed: submits one job and waits for its end.

Arguments: data folder, engine address, and the job's fields as JSON ("" = only follow what is open). Prints the job's
state by name at each change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from client.jobs import JobManager
from client.states import NAMES, is_final
from workflows.request import parse


def main() -> None:
    data, url, fields = sys.argv[1:]
    manager = JobManager(Path(data), url)
    if fields:
        manager.submit(parse("t2v", json.loads(fields)), "me")
    (job,) = manager.jobs("me")
    last = ""
    while not is_final(job.state):
        if NAMES[type(job.state)] != last:
            last = NAMES[type(job.state)]
            print(last, flush=True)
        manager.wait(job.id, 0.02)
        (job,) = manager.jobs("me")
    print(NAMES[type(job.state)], flush=True)
    manager.close()


main()
