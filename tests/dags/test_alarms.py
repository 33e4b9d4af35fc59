"""The deadline of a run: by when it is, and the one line that the technician gets, over a real HTTP receiver."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

RUN = {"run_id": "scheduled__2026-09-06T18:00:00+00:00", "logical_date": "2026-09-06T18:00:00+00:00"}


def test_the_night_is_done_by_six_and_its_alarm_can_be_found_by_name(dag_bag: Callable[[], DagBag]) -> None:
    from dags.alarms import ALLOWED

    dags = dag_bag().dags
    assert ALLOWED["nightly"] == timedelta(hours=4)  # from 02:00
    for name in ("nightly", "obligations", "upkeep"):
        (alert,) = dags[name].deadline
        assert alert.callback.path == "dags.alarms.tell_technician"
        assert alert.interval == ALLOWED[name]


def test_the_technician_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from dags.alarms import tell_technician

    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setenv("AIRFLOW_CONN_ALERT_IT", f"json://127.0.0.1:{server.server_port}/hook")
        assert asyncio.run(tell_technician("nightly", context={"dag_run": RUN})) == "sent"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    (message,) = posted
    assert "nightly" in message["message"]
    assert "2026-09-07 06:00" in message["message"]


def test_without_an_address_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from dags.alarms import tell_technician

    monkeypatch.delenv("AIRFLOW_CONN_ALERT_IT", raising=False)
    assert asyncio.run(tell_technician("nightly", context={"dag_run": RUN})) == "no_address"
