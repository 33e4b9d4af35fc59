"""Edges that are switched off while their receiver stays connected: by the contract, or by the site for a while.

A contract says `switchedOff` with the reason; the site registers `edge_e44` as `off:<reason>` beside its connections. Either
way the edge delivers nothing, its receiver keeps what it has, and status, report and deadlines say so; switched on again, the
next delivery brings everything since the accepted version.
"""

from __future__ import annotations

import re

from contracts.catalog import Catalog, format_known_names
from core.errors import ContractError, Denied
from core.store.connections import read_edge_switches
from core.store.ledger import Ledger, Row

OFF = "off:"
_EDGE_IN_SQL = re.compile(r"'([A-Z]\d\d)'")


def find_edges_off(catalog: Catalog) -> dict[str, str]:
    """Edge -> the reason given, empty when the site gave none."""
    by_site = {edge: url.removeprefix(OFF).strip() for edge, url in read_edge_switches().items() if url.startswith(OFF)}
    known = {feed.edge for feed in catalog.feeds.values()}
    return {edge: reason for edge, reason in sorted((by_site | catalog.edges_off).items()) if edge in known}


def find_wrong_switches(catalog: Catalog) -> list[ContractError]:
    """HUB190 for every switch of the site that names no edge, or is no switch: it would change nothing, unseen."""
    known = sorted({feed.edge for feed in catalog.feeds.values()})
    return [
        ContractError("HUB190", f"edge_{edge.lower()}", edge=edge, known=format_known_names(edge, known))
        for edge, url in sorted(read_edge_switches().items())
        if edge not in known or not url.startswith(OFF)
    ]


def require_edge_on(catalog: Catalog, edge: str) -> None:
    """Nothing is handed over on an edge (`E44`, or one dataset of it) that is switched off.

    Raises:
        Denied: HUB776 with the reason.
    """
    switched = find_edges_off(catalog)
    for feed in catalog.feeds.values():
        if edge in (feed.edge, feed.id) and feed.edge in switched:
            raise Denied("HUB776", feed.edge, reason=switched[feed.edge] or "-", switch=f"edge_{feed.edge.lower()}")


def list_switch_items(ledger: Ledger, catalog: Catalog) -> list[Row]:
    """`{kind, feed, source, target, facts}` of every edge that is switched off, with the version that its receiver keeps
    (the newest of its datasets, 0 when it never got any); and of every switch that switches nothing."""
    ends = {feed.edge: feed for feed in catalog.feeds.values()}
    held = {
        row["edge"]: row["version"] for row in ledger.rows("select edge, max(version) as version from ops.accepted group by 1")
    }
    found: list[Row] = []
    for edge, reason in find_edges_off(catalog).items():
        facts = {"reason": reason or "-", "version": held.get(edge, 0), "switch": f"edge_{edge.lower()}"}
        found.append({"kind": "off", "feed": edge, "source": ends[edge].source, "target": ends[edge].target, "facts": facts})
    for error in find_wrong_switches(catalog):
        found.append({"kind": "switch", "feed": error.where, "source": "", "target": "", "facts": dict(error.facts)})
    return found


def find_deadline_edges(catalog: Catalog, id: str) -> tuple[tuple[str, ...], bool]:
    """Which edges of a deadline are switched off, and whether those are all that it has.

    The edges of a deadline are those that its SELECT names, and those that its step declares: of the responsible
    departments, where they have any.
    """
    deadline, file = catalog.deadlines[id], catalog.obligation_file(id)
    places = {deadline["step"], *deadline.get("also_in", [])}
    declared = [
        edge for edge in catalog.edges.values() if any(item["step"] in places for item in edge.get("declarations") or [])
    ]
    own = [edge for edge in declared if edge["source"] in deadline["departments"]]
    named = set(_EDGE_IN_SQL.findall(file.read_text("utf-8"))) if file else set()
    edges = {edge["id"] for edge in own or declared} | (named & {feed.edge for feed in catalog.feeds.values()})
    gone = edges & find_edges_off(catalog).keys()
    return tuple(sorted(gone)), bool(edges) and gone == edges
