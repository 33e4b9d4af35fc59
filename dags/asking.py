"""A question to the technician that holds up what comes after it, and whom to tell once it is answered.

Who answers is a user of Airflow, and must have an account of the hub of the same name that may sign; the answer of another one
fails the task and leaves no mark.

The task waits in Airflow's state `awaiting_input`, which takes no worker slot and no triggerer. An answer leaves the same
mark as `hub verify --sign`; a mark that was left on the command line meanwhile ends the wait at the next look.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput

from core.errors import Denied, HubError
from core.messages import translate
from dags.steps import business_date, raise_one_line

log = logging.getLogger(__name__)
LOOK_AGAIN = timedelta(minutes=15)
"""How often a waiting question looks whether somebody has signed elsewhere."""


class SignoffTask(HITLOperator):
    """Compares what waits on an edge with its receiver, asks a technician to sign it, and leaves the mark.

    A receiver that holds something else is no question but a failure (HUB708); so is the answer no (HUB873).
    """

    def __init__(self, *, edge: str, name: str, step: str, **kwargs: Any) -> None:
        super().__init__(
            subject=translate("checks.subject", edge=edge, name=name),
            options=[translate("checks.sign"), translate("checks.refuse")],
            response_timeout=LOOK_AGAIN,
            **kwargs,
        )
        self.edge, self.step = edge, step

    def execute(self, context: Any) -> None:
        shown = self._look(context)
        rows = [f"| {' | '.join(_format_cells(row))} |" for row in shown]
        head = translate("checks.head")
        rule = "|" + "---|" * (head.count("|") - 1)
        self.body = "\n".join([translate("checks.ask", edge=self.edge, step=self.step), "", head, rule, *rows])
        try:
            super().execute(context)
        except TaskAwaitingInput:
            raise self._park_task(shown) from None

    def execute_complete(self, context: Any, event: dict[str, Any], shown: Sequence[Mapping[str, Any]] = ()) -> None:
        if event.get("error_type") == "timeout":
            if self._is_waiting():
                raise self._park_task(shown)
            log.info("%s", translate("checks.elsewhere", edge=self.edge))
            return
        answer = super().execute_complete(context, event)
        by = self._account((answer["responded_by_user"] or {}).get("name", "-"))
        if answer["chosen_options"] != [translate("checks.sign")]:
            raise AirflowFailException(Denied("HUB873", self.edge, by=by, edge=self.edge).line())
        self._sign_deliveries(context, shown, by)
        log.info("%s", translate("checks.done", edge=self.edge, by=by, count=len(shown)))

    def _park_task(self, shown: Sequence[Mapping[str, Any]]) -> TaskAwaitingInput:
        """The wait for an answer about exactly these deliveries."""
        return TaskAwaitingInput(
            method_name="execute_complete", kwargs={"shown": [dict(row) for row in shown]}, timeout=self.response_timeout
        )

    @raise_one_line
    def _account(self, name: str) -> str:
        """The account of the hub that Airflow's user is; an answer of anybody else counts for nothing."""
        from core.store.accounts import find_named_account
        from core.store.ledger import open_ledger

        return find_named_account(open_ledger(), name, "sign")

    @raise_one_line
    def _look(self, context: Any) -> list[dict[str, Any]]:
        from runs import signoff_batch

        with signoff_batch.open_verify_run([self.edge], business_date(context["dag_run"])) as here:
            feeds = signoff_batch.list_waiting_feeds(here.ledger, here.catalog, edge=self.edge)
            found, problems = signoff_batch.verify_feeds(here, feeds)
        if not feeds:
            raise AirflowSkipException(translate("checks.none", edge=self.edge))
        wrong: list[HubError] = [
            Denied("HUB708", row["feed"], differs=", ".join(row["differs"])) for row in found if not row["equal"]
        ]
        for error in [*problems, *wrong]:
            raise error
        return [{name: value for name, value in row.items() if name != "samples"} for row in found]

    @raise_one_line
    def _is_waiting(self) -> bool:
        from contracts.catalog import load_catalog
        from core.store.ledger import open_ledger
        from runs import signoff_batch

        return bool(signoff_batch.list_waiting_feeds(open_ledger(), load_catalog(), edge=self.edge))

    @raise_one_line
    def _sign_deliveries(self, context: Any, shown: Sequence[Mapping[str, Any]], by: str) -> None:
        from runs import signoff_batch

        with signoff_batch.open_verify_run([self.edge], business_date(context["dag_run"])) as here:
            _, refused = signoff_batch.sign_deliveries(here, [dict(row) for row in shown], by)
        for error in refused:
            raise error


@task(task_display_name=translate("dag.task.ready"))
@raise_one_line
def ready(edge: str) -> None:
    """Tell the receiver's administrator which versions may now be taken and applied; without an address the log has it."""
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from runs.signoff_batch import notify_administrator

    lines, outcome = notify_administrator(open_ledger(), load_catalog(), edge)
    log.info("%s: %s", outcome, " ".join(lines))


def _format_cells(row: Mapping[str, Any]) -> list[str]:
    from contracts.catalog import load_catalog
    from reporting import display_names

    names = ("feed", "version", "expected", "found", "unsigned", "unsigned_rows", "sent", "received", "rejected", "change")
    shown = {**row, "feed": display_names.get_feed_title(load_catalog(), row["feed"])}
    return ["-" if shown.get(name) is None else str(shown[name]) for name in names]
