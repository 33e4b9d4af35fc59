"""The flow document with what the hub makes of it: the state of every edge, what each step is, findings and rules.

States come from the ledger over the feeds of an edge. Plain data, for the terminal, for `--json` and for a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.catalog import Catalog, format_known_names
from contracts.flow_document import FlowDocument, Item
from core.errors import Denied
from core.store.ledger import Ledger, Row
from reporting import status

WORST_FIRST = ("refused", "partly", "sent", "prepared", "never", "off")
"""The states that keep an edge from being accepted, worst first. A delivery given up (`abandoned`) counts as prepared."""
STEP_FACTS = ("n", "stage_zh", "text_zh", "actor_zh", "mode", "technician_check")
_ENTRY_KINDS = frozenset({"entry", "change", "confirm", "review", "upload"})
"""Steps in which a department works in its own system, which the hub then reads."""


def build_overview(ledger: Ledger, catalog: Catalog, flows: FlowDocument) -> Row:
    """`{flows[], edges[], additional[], outside[], open_ended[]}`: every flow with its steps, every edge with its state."""
    return {
        "flows": [_select_flow_facts(flow) for flow in flows.flows],
        "edges": list_edges(ledger, catalog, flows),
        "additional": list_additional_edges(ledger, catalog, flows),
        "outside": list_outside_edges(catalog, flows),
        "open_ended": [{**item, **flows.open_handling.get(item["step"], {})} for item in flows.open_ended],
    }


def list_edges(ledger: Ledger, catalog: Catalog, flows: FlowDocument) -> list[Row]:
    """Per edge of the document: who, what, how, by when, and its state, the version accepted by all its datasets (None
    until all have one) and the rows that the receiver holds."""
    return _list_edge_rows(ledger, catalog, flows.edges)


def list_additional_edges(ledger: Ledger, catalog: Catalog, flows: FlowDocument) -> list[Row]:
    """The edges that the document does not have, as `edges` gives the others, with the reason for each."""
    told = {edge["id"]: {name: edge[name] for name in ("reason_zh", "reason_en")} for edge in flows.additional}
    return [{**row, **told[row["id"]]} for row in _list_edge_rows(ledger, catalog, flows.additional)]


def list_outside_edges(catalog: Catalog, flows: FlowDocument) -> list[Row]:
    """The hand-overs that bypass the hub: steps, mode, deadline, the entity in which the hub sees them, and, where a contract
    limits what may be handed over, its columns."""
    names = ("id", "source", "target", "datasets", "mode", "schedule", "technician_check")
    result = []
    for item in flows.outside:
        entities = {entity for code in item["datasets"] for entity in flows.datasets[code]["entities"]}
        columns = [column.name for feed in catalog.outside.values() if feed.edge == item["id"] for column in feed.columns]
        seen = sorted(entities & set(catalog.entities_of(item["source"])))
        facts = {"steps": item["declared_in"], "state": "outside", "seen_as": seen, "columns": columns}
        result.append({**{name: item.get(name) for name in names}, **facts})
    return result


def read_flow_steps(ledger: Ledger, catalog: Catalog, flows: FlowDocument, code: str) -> Row:
    """One flow; each step with the edges, datasets, hand-overs, deadlines and rules that it is in the hub, and its state.

    Raises:
        Denied: HUB752 when the document has no such flow.
    """
    found = next((flow for flow in flows.flows if flow["code"] == code), None)
    if found is None:
        raise Denied("HUB752", code, known=format_known_names(code, [flow["code"] for flow in flows.flows]))
    known = {row["id"]: row for row in _list_edge_rows(ledger, catalog, [*flows.edges, *flows.additional])}
    systems = {row["code"]: row["state"] for row in status.list_systems(ledger, catalog)}
    done = [_build_step(flows, found, step, known, systems) for step in found["steps"]]
    return {**_select_flow_facts(found), "steps": done}


def list_disagreements(flows: FlowDocument, language: str) -> list[Row]:
    """Every edge that only one side wrote down, and the office that is to confirm it (findings F09, F10)."""
    rows = []
    for edge in flows.edges:
        if edge["declared_by"] != "both":
            silent = edge["target"] if edge["declared_by"] == "publisher" else edge["source"]
            facts = {name: edge[name] for name in ("id", "source", "target", "datasets", "declared_by")}
            rows.append({**facts, "confirm": silent, "confirm_by": flows.owner(silent, language)})
    return rows


def list_findings(flows: FlowDocument, language: str) -> Row:
    """`{findings[], to_confirm[]}`: each finding with what the hub does about it, and each one-sided edge."""
    told = [
        {
            "id": item["id"],
            "kind": item["kind"],
            "steps": item["steps"],
            "finding": flows.handling[item["id"]]["title_zh"] if language == "zh" else item["finding"],
            "state": flows.handling[item["id"]]["state"],
            "how": flows.handling[item["id"]][f"how_{language}"],
            "where": flows.handling[item["id"]]["where"],
        }
        for item in flows.findings
    ]
    return {"findings": told, "to_confirm": list_disagreements(flows, language)}


def list_rules(flows: FlowDocument, language: str) -> list[Row]:
    """Each rule with its quotation and what enforces it; `by` is empty for a rule that nothing enforces."""
    rows = []
    for rule in flows.rules:
        kept = flows.enforcement.get(rule["id"], {})
        rows.append(
            {
                "id": rule["id"],
                "topic": rule["topic"],
                "rule": rule["rule"],
                "source": [dict(source) for source in rule["source"]],
                "by": list(kept.get("by", [])),
                "how": kept.get(f"how_{language}", ""),
            }
        )
    return rows


def find_worst_state(states: Iterable[str]) -> str:
    """`accepted` when every state is, else the worst; `never` when there is none."""
    found = {"prepared" if state == "abandoned" else state for state in states}
    if not found:
        return "never"
    return next((state for state in WORST_FIRST if state in found), "accepted")


def _select_flow_facts(flow: Item) -> Row:
    told = {name: flow.get(name) for name in ("title_zh", "title_en", "kind", "system")}
    return {"id": flow["code"], **told, "steps": [{name: step.get(name) for name in STEP_FACTS} for step in flow["steps"]]}


def _list_edge_rows(ledger: Ledger, catalog: Catalog, wanted: Sequence[Item]) -> list[Row]:
    by_edge: dict[str, list[Row]] = {}
    for feed in status.list_feeds(ledger, catalog):
        by_edge.setdefault(feed["edge"], []).append(feed)
    return [_build_edge(edge, by_edge.get(edge["id"], [])) for edge in wanted]


def _build_edge(edge: Item, feeds: Sequence[Row]) -> Row:
    states = {feed["dataset"]: feed["state"] for feed in feeds}
    versions = [feed["accepted_version"] for feed in feeds]
    complete = set(states) == set(edge["datasets"]) and None not in versions
    counts = [feed["rows"] for feed in feeds if feed["rows"] is not None]
    return {
        "id": edge["id"],
        "source": edge["source"],
        "target": edge["target"],
        "datasets": edge["datasets"],
        "declared_by": edge["declared_by"],
        "declared_in": [item["step"] for item in edge["declarations"]],
        "modes": {name: edge[f"{name}_mode"] for name in ("publish", "deliver", "apply")},
        "technician_check": edge["technician_check"],
        "schedule": [dict(item) for item in edge.get("schedule", [])],
        "state": find_worst_state(states.get(dataset, "never") for dataset in edge["datasets"]),
        "accepted_version": min(versions) if complete else None,
        "rows": sum(counts) if counts else None,
        "feeds": [{name: feed[name] for name in ("dataset", "state", "accepted_version", "rows")} for feed in feeds],
    }


def _build_step(flows: FlowDocument, flow: Item, step: Item, edges: dict[str, Row], systems: dict[str, str]) -> Row:
    place = f"{flow['code']}/{step['n']}"
    alike = {f"{flow['code']}/{other['n']}" for other in flow["steps"] if other["text_zh"] == step["text_zh"]}  # F01
    by_hand = {edge["id"] for edge in flows.edges if step["kind"] == "apply" and place in " ".join(edge.get("notes", []))}
    mine = [row for row in edges.values() if row["id"] in by_hand or alike & set(row["declared_in"])]
    around = [item["id"] for item in flows.outside if place in item["declared_in"]]
    read = _find_read_system(flows, flow, step, systems)
    states = [row["state"] for row in mine]
    if mine:
        state: str | None = find_worst_state(states)
    elif around:
        state = "outside"
    else:
        state = systems[read] if read else None
    return {
        **{name: step.get(name) for name in STEP_FACTS},
        "step": place,
        "note_zh": step.get("note_zh"),
        "edges": [{name: row[name] for name in ("id", "source", "target", "datasets", "state")} for row in mine],
        "outside": around,
        "reads": read,
        "open_ended": any(item["step"] == place for item in flows.open_ended),
        "deadlines": [
            _select_deadline_facts(item) for item in flows.deadlines if place in (item["step"], *item.get("also_in", []))
        ],
        "rules": [rule["id"] for rule in flows.rules if any(source["step"] == place for source in rule["source"])],
        "state": state,
    }


def _find_read_system(flows: FlowDocument, flow: Item, step: Item, systems: dict[str, str]) -> str | None:
    """The source system whose data a step of entry or upload makes: that of the acting office, else the flow's own."""
    if step["kind"] not in _ENTRY_KINDS:
        return None
    actor = step.get("actor_zh") or ""
    owned = [code for code, system in flows.systems.items() if system.get("owner_zh") == actor and code in systems]
    return next(iter(owned), flow.get("system") if flow.get("system") in systems else None)


def _select_deadline_facts(item: Item) -> Row:
    return {name: item.get(name) for name in ("id", "symbol", "anchor", "offset_days", "responsible_zh", "what", "text_zh")}
