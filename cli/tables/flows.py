"""The flow document on a terminal: a table a flow, the steps of one, findings, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from contracts.flow_document import FlowDocument
from core.messages import translate
from core.store.ledger import Row

_COLOURS = {"accepted": "green", "done": "green", "refused": "red", "failed": "red", "open": "yellow", "off": "dim"}


def render_overview(found: Row, flows: FlowDocument, language: str) -> Group:
    """For every flow a table of the edges that its steps declare; then what is outside the hub, and the open-ended steps."""
    tables: list[Grid | Prose] = []
    for flow in found["flows"]:
        mine = [edge for edge in (*found["edges"], *found["additional"]) if _is_edge_of(edge, flow["id"])]
        table = _create_grid(
            f"{flow['id']} {flow[f'title_{language}']}", "edge", "from_to", "datasets", "modes", "check", "rows", "state"
        )
        for edge in mine:
            table.row(*_format_edge(edge, flows, language))
        none = Text.assemble((f"{flow['id']} {flow[f'title_{language}']}", "bold"), f"  {translate('flows.no_edges')}")
        tables.append(table if mine else Prose(none))
    return Group(
        *tables,
        _render_outside(found["outside"], flows, language),
        _render_open_ended(found["open_ended"], language),
        _render_total(found["edges"]),
    )


def render_steps(found: Row, flows: FlowDocument, language: str) -> Grid:
    """The steps of a flow: what the document says, what it is in the hub, by when, and its state."""
    table = _create_grid(f"{found['id']} {found[f'title_{language}']}", "step", "text", "in_hub", "deadline", "state")
    for step in found["steps"]:
        note = f"\n{step['note_zh']}" if step["note_zh"] else ""
        said = Text.assemble((step["actor_zh"], "bold"), f" {step['text_zh']}", (note, "dim"))
        due = "\n".join(f"{item['symbol']} {item['id']}" for item in step["deadlines"])
        table.row(str(step["n"]), said, _describe_in_hub(step, flows, language), due or "-", _render_state(step["state"]))
    return table


def render_findings(found: Row, flows: FlowDocument, language: str) -> Group:
    """The findings with what the hub does about each, and the edges that one side has yet to confirm."""
    findings = _create_grid(translate("flows.findings"), "finding", "finding_text", "how", "where", "state")
    for item in found["findings"]:
        shown = ", ".join(item["where"])
        findings.row(item["id"], item["finding"], item["how"], shown, _render_state(item["state"]))
    confirm = _create_grid(
        translate("flows.to_confirm", None, count=len(found["to_confirm"])),
        "edge",
        "from_to",
        "datasets",
        "declared",
        "confirm",
    )
    for row in found["to_confirm"]:
        declared = translate(f"flows.declared_{row['declared_by']}")
        by = translate("flows.confirm_by", None, office=row["confirm_by"])
        confirm.row(row["id"], _format_ends(row, flows, language), _format_datasets(row, flows, language), declared, by)
    return Group(findings, confirm)


def render_rules(rows: Sequence[Row]) -> Grid:
    """Each rule, the words that it rests on, and what enforces it."""
    table = _create_grid(translate("flows.rules"), "rule", "quotation", "how", "by")
    for row in rows:
        words = "\n".join(f"{source['text_zh']} {source['step']}" for source in row["source"])
        table.row(row["id"], words, row["how"] or translate("flows.not_enforced"), "\n".join(row["by"]) or "-")
    return table


def _is_edge_of(edge: Row, flow: str) -> bool:
    return any(step.split("/")[0] == flow for step in edge["declared_in"])


def _format_edge(edge: Row, flows: FlowDocument, language: str) -> tuple[str | Text, ...]:
    modes: Mapping[str, str] = edge["modes"]
    return (
        edge["id"],
        _format_ends(edge, flows, language),
        _format_datasets(edge, flows, language),
        " / ".join(translate(f"flows.mode_{mode}") for mode in modes.values()),
        translate(f"flows.check_{edge['technician_check']}"),
        "-" if edge["rows"] is None else f"{edge['rows']:,}",
        _render_state(edge["state"]).append(f" v{edge['accepted_version']}" if edge["accepted_version"] else ""),
    )


def _format_ends(edge: Row, flows: FlowDocument, language: str) -> str:
    return f"{flows.system_name(edge['source'], language)} → {flows.system_name(edge['target'], language)}"


def _format_datasets(edge: Row, flows: FlowDocument, language: str) -> str:
    return translate("status.list_mark", language).join(flows.dataset_name(code, language) for code in edge["datasets"])


def _render_outside(rows: Sequence[Row], flows: FlowDocument, language: str) -> Grid:
    table = _create_grid(
        translate("flows.outside"), "edge", "from_to", "datasets", "modes_outside", "step", "deadline", "seen_as"
    )
    for row in rows:
        limits = translate("flows.limited", None, columns=", ".join(row["columns"])) if row["columns"] else ""
        seen = ", ".join(row["seen_as"]) or limits or "-"
        by_hand = translate("flows.by_hand")
        shown = (_format_ends(row, flows, language), _format_datasets(row, flows, language), by_hand)
        table.row(row["id"], *shown, " ".join(row["steps"]), row["schedule"]["text_zh"], seen)
    return table


def _render_open_ended(rows: Sequence[Row], language: str) -> Grid:
    table = _create_grid(translate("flows.open_ended"), "step", "text", "how")
    for row in rows:
        table.row(row["step"], row["text_zh"], row[f"how_{language}"])
    return table


def _render_total(edges: Sequence[Row]) -> Prose:
    states = [edge["state"] for edge in edges]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    told = ", ".join(f"{_render_state(state)} {n}" for state, n in counts.items())
    return Prose(translate("flows.total", None, edges=len(edges), states=told))


def _describe_in_hub(step: Row, flows: FlowDocument, language: str) -> str:
    parts = [
        translate(
            "flows.edge_of",
            None,
            id=edge["id"],
            ends=_format_ends(edge, flows, language),
            datasets=_format_datasets(edge, flows, language),
        )
        for edge in step["edges"]
    ]
    parts += [translate("flows.around", None, id=id) for id in step["outside"]]
    if step["edges"]:
        parts.append(translate(f"flows.check_{'required' if step['technician_check'] else 'not_stated'}"))
    if step["reads"]:
        parts.append(translate("flows.reads", None, system=flows.system_name(step["reads"], language)))
    if step["open_ended"]:
        parts.append(translate("flows.is_open_ended"))
    parts += [translate("flows.under_rule", None, id=id) for id in step["rules"]]
    return "\n".join(parts) or translate("flows.by_people")


def _create_grid(title: str, *keys: str) -> Grid:
    grid = Grid(title)
    for position, key in enumerate(keys):
        grid.column(translate(f"flows.head_{key}"), right=key == "rows", whole=position == 0)
    return grid


def _render_state(value: str | None) -> Text:
    return Text("-") if value is None else Text(translate(f"flows.state_{value}"), style=_COLOURS.get(value, "yellow"))
