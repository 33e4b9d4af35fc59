"""What Airflow itself must notice: a run that is not done by its hour. The technician is told at once, not next morning.

The callback runs in the triggerer, which is one event loop for all: the message is sent from a thread.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from core.calendar import ZONE
from core.errors import HubError
from core.messages import translate
from core.store import connections

ALLOWED = {"nightly": timedelta(hours=4), "obligations": timedelta(hours=1), "upkeep": timedelta(hours=1)}
"""How long after its slot a run may take: the night of 02:00 is done by 06:00, before anybody comes to work."""


def build_deadline(dag: str) -> DeadlineAlert:
    """The deadline of a DAG's runs, counted from the slot."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=ALLOWED[dag],
        callback=AsyncCallback("dags.alarms.tell_technician", kwargs={"dag": dag}),
        name=f"{dag}_done_by",
    )


async def tell_technician(dag: str, context: Any = None, **_: Any) -> str:
    """Send one line to `alert_it`; returns what became of it: `sent`, `no_address`, or why not."""
    run = (context or {}).get("dag_run") or {}
    return await asyncio.to_thread(_send_alarm, dag, run)


def _send_alarm(dag: str, run: Any) -> str:
    from reporting.notify import NotSent, send_message

    facts = run if isinstance(run, dict) else {name: getattr(run, name, None) for name in ("run_id", "logical_date")}
    slot = facts.get("logical_date")
    moment = datetime.fromisoformat(slot) if isinstance(slot, str) else slot
    at = (moment + ALLOWED[dag]).astimezone(ZONE).strftime("%Y-%m-%d %H:%M") if moment else "-"
    line = translate("dag.late", dag=dag, at=at, run=facts.get("run_id") or "-")
    try:
        url = connections.get_connection("alert_it").url
    except HubError:
        return "no_address"
    try:
        send_message(url, translate("dag.late_title"), line)
    except NotSent as error:
        return error.reason
    return "sent"
