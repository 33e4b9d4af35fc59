"""Flows whose system only receives (SJGXLC08 archive, SJGXLC12 portal, SJGXLC13 volunteers): what their edges brought is
gathered over the flows that deliver it, and confirmed by looking at what the receiver holds.
"""

from __future__ import annotations

from datetime import date

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.errors import Denied, FeedFailed, HubError
from core.store.connections import list_switched_off
from core.store.ledger import Ledger, Row
from runs import signoff_batch


def find_gathering_flows(catalog: Catalog) -> dict[str, list[str]]:
    """Flow -> its edges, of the data-sharing flows that deliver nothing themselves: the edges to its system that its own
    steps declare."""
    giving = {feed.flow for feed in catalog.served_feeds()}
    edges = {feed.edge for feed in catalog.served_feeds()}
    found: dict[str, list[str]] = {}
    for code, flow in catalog.flows.items():
        if code in giving or flow.get("kind") != "data_sharing":
            continue
        mine = [
            id
            for id, edge in catalog.edges.items()
            if id in edges and edge["target"] == flow["system"] and _is_declared_by(edge["declarations"], code)
        ]
        if mine:
            found[code] = mine
    return dict(sorted(found.items()))


def list_delivering_flows(catalog: Catalog, edges: list[str]) -> list[str]:
    """The flows under which the feeds of these edges are delivered."""
    return sorted({feed.flow for feed in catalog.served_feeds() if feed.edge in edges})


def confirm_edge(edge: str, as_of: date, ledger: Ledger | None = None) -> Row:
    """Compare everything that an edge brought with what its receiver holds; returns `{edge, feeds, rows, off}`, where `off`
    counts the datasets that wait because the edge, the source or the receiver is switched off.

    Raises:
        HubError: the first of: HUB777, the newest delivery was not accepted; HUB707, nothing was ever accepted; HUB708, the
            receiver holds something else; HUB204, it cannot be reached. All datasets were looked at.
    """
    with signoff_batch.open_verify_run([edge], as_of, ledger) as here:
        feeds = [feed for feed in here.catalog.served_feeds() if feed.edge == edge]
        off = list_switched_off()
        awake = [feed for feed in feeds if not here.catalog.is_switched_off(feed, off)]
        found, problems = signoff_batch.verify_feeds(here, awake)
        wrong: list[HubError] = [item for feed in awake if (item := _find_unsettled(here.ledger, feed))]
    wrong += problems
    wrong += [Denied("HUB708", row["feed"], differs=", ".join(row["differs"])) for row in found if not row["equal"]]
    if wrong:
        raise wrong[0]
    return {"edge": edge, "feeds": len(found), "rows": sum(row["found"] for row in found), "off": len(feeds) - len(awake)}


def _is_declared_by(declarations: list[Row], flow: str) -> bool:
    return any(item["step"].split("/")[0] == flow for item in declarations)


def _find_unsettled(ledger: Ledger, feed: FeedDataset) -> FeedFailed | None:
    newest = ledger.fetch_row(
        "select state, as_of from ops.delivery where edge = %s and dataset = %s order by prepared_at desc limit 1",
        [feed.edge, feed.dataset],
    )
    if newest is None or newest["state"] in ("accepted", "partly"):
        return None
    return FeedFailed("HUB777", feed.id, state=newest["state"], day=newest["as_of"])
