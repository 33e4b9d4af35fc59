"""Several checks in one go: what of a flow, an edge or a night nobody has signed is looked at, and then signed one by one.

The command line and the orchestrator's question both end here, so that an answer leaves the same mark wherever it is given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import date

from contracts.catalog import Catalog, format_known_names, load_catalog
from contracts.contract import FeedDataset
from core.errors import ContractError, HubError
from core.messages import translate
from core.store import connections
from core.store.ledger import Ledger, Row, open_ledger
from pipeline.context import RunContext
from pipeline.delivery import signoff, verify
from reporting import notify


@contextlib.contextmanager
def open_verify_run(scope: Sequence[str], as_of: date, ledger: Ledger | None = None) -> Iterator[RunContext]:
    """A run of kind `verify`, closed at the end."""
    ledger = ledger or open_ledger()
    run = ledger.open_run("verify", as_of, scope)
    try:
        yield RunContext(run, ledger, load_catalog())
    finally:
        ledger.close_run(run.id)


def list_waiting_feeds(
    ledger: Ledger, catalog: Catalog, *, flow: str | None = None, edge: str | None = None, night: date | None = None
) -> list[FeedDataset]:
    """The feeds that wait for a check: of a flow, of an edge, with a delivery of a night's business date, or all.

    Raises:
        ContractError: HUB104 when no feed has such a flow or edge.
    """
    feeds = catalog.served_feeds()
    for kind, value, names in (
        ("flow with feeds", flow, {feed.flow for feed in feeds}),
        ("edge", edge, {feed.edge for feed in feeds}),
    ):
        if value is not None and value not in names:
            raise ContractError("HUB104", value, kind=kind, known=format_known_names(value, sorted(names)))
    chosen = [
        catalog.feed(f"{row['edge']}.{row['dataset']}")
        for row in signoff.list_unsigned(ledger, catalog)
        if night is None or night in row["days"]
    ]
    return [feed for feed in chosen if flow in (None, feed.flow) and edge in (None, feed.edge)]


def verify_feeds(run: RunContext, feeds: Sequence[FeedDataset]) -> tuple[list[Row], list[HubError]]:
    """Compare every feed with its receiver as `verify.verify` does; what could not be looked at comes as an error."""
    found, problems = [], []
    for feed in feeds:
        try:
            found.append(verify.verify_feed(run, feed))
        except HubError as error:
            problems.append(error)
    return found, problems


def sign_deliveries(run: RunContext, found: Sequence[Row], by: str) -> tuple[list[Row], list[HubError]]:
    """Leave a mark of its own on every delivery that was looked at; one whose receiver holds something else comes as an
    error (HUB708) and stays unsigned."""
    signed, problems = [], []
    for row in found:
        try:
            signed.append(verify.sign_delivery(run, run.catalog.feed(row["feed"]), by, row))
        except HubError as error:
            problems.append(error)
    return signed, problems


def notify_administrator(ledger: Ledger, catalog: Catalog, edge: str) -> tuple[list[str], str]:
    """Tell the receiver's administrator (`alert_<system>`) which versions of an edge may be applied; returns the lines and
    what became of them: `sent`, `no_address`, or why not."""
    feeds = [feed for feed in catalog.served_feeds() if feed.edge == edge]
    lines = [
        translate("checks.ready", feed=feed.id, version=version, edge=edge)
        for feed in feeds
        if (version := signoff.get_usable_version(ledger, feed))
    ]
    try:
        url = connections.get_connection(f"alert_{feeds[0].target}").url
    except HubError:
        return lines, "no_address"
    try:
        notify.send_message(url, translate("checks.ready_title", edge=edge), "\n".join(lines))
    except notify.NotSent as error:
        return lines, error.reason
    return lines, "sent"
