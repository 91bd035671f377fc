"""An application for Celery: its client is made, and may be used, before the worker's processes are forked."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from celery import Celery
from fork_app import ask

FOLDER = Path(os.environ["FOLDER"])

app = Celery("fork_celery", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(FOLDER / "queue"),
        "data_folder_out": str(FOLDER / "queue"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.02,
    },
    broker_connection_retry_on_startup=False,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="call")
def call(first: int, count: int) -> None:
    """Make so many calls, and leave a file with what the answers were and which process had them."""
    answers = [ask(f"tag-{number}") for number in range(first, first + count)]
    handle, name = tempfile.mkstemp(dir=FOLDER)
    with os.fdopen(handle, "w") as file:
        json.dump({"process": os.getpid(), "answers": answers}, file)
    Path(name).rename(FOLDER / f"done-{first}.json")
