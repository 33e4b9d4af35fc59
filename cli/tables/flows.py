"""The flow document on a terminal: a table a flow, the steps of one, findings, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from contracts.flow_document import FlowBook
from core.messages import text
from core.store.ledger import Row

_COLOURS = {"accepted": "green", "done": "green", "refused": "red", "failed": "red", "open": "yellow", "off": "dim"}


def overview(found: Row, flows: FlowBook, language: str) -> Group:
    """For every flow a table of the edges that its steps declare; then what is outside the hub, and the open-ended steps."""
    tables: list[Grid | Prose] = []
    for flow in found["flows"]:
        mine = [edge for edge in (*found["edges"], *found["additional"]) if _belongs(edge, flow["id"])]
        table = _table(
            f"{flow['id']} {flow[f'title_{language}']}", "edge", "from_to", "datasets", "modes", "check", "rows", "state"
        )
        for edge in mine:
            table.row(*_edge(edge, flows, language))
        none = Text.assemble((f"{flow['id']} {flow[f'title_{language}']}", "bold"), f"  {text('flows.no_edges')}")
        tables.append(table if mine else Prose(none))
    return Group(
        *tables, _outside(found["outside"], flows, language), _open_ended(found["open_ended"], language), _total(found["edges"])
    )


def steps(found: Row, flows: FlowBook, language: str) -> Grid:
    """The steps of a flow: what the document says, what it is in the hub, by when, and its state."""
    table = _table(f"{found['id']} {found[f'title_{language}']}", "step", "text", "in_hub", "deadline", "state")
    for step in found["steps"]:
        note = f"\n{step['note_zh']}" if step["note_zh"] else ""
        said = Text.assemble((step["actor_zh"], "bold"), f" {step['text_zh']}", (note, "dim"))
        due = "\n".join(f"{item['symbol']} {item['id']}" for item in step["deadlines"])
        table.row(str(step["n"]), said, _in_hub(step, flows, language), due or "-", _state(step["state"]))
    return table


def audit(found: Row, flows: FlowBook, language: str) -> Group:
    """The findings with what the hub does about each, and the edges that one side has yet to confirm."""
    findings = _table(text("flows.findings"), "finding", "finding_text", "how", "where", "state")
    for item in found["findings"]:
        shown = ", ".join(item["where"])
        findings.row(item["id"], item["finding"], item["how"], shown, _state(item["state"]))
    confirm = _table(
        text("flows.to_confirm", None, count=len(found["to_confirm"])), "edge", "from_to", "datasets", "declared", "confirm"
    )
    for row in found["to_confirm"]:
        declared = text(f"flows.declared_{row['declared_by']}")
        by = text("flows.confirm_by", None, office=row["confirm_by"])
        confirm.row(row["id"], _ends(row, flows, language), _datasets(row, flows, language), declared, by)
    return Group(findings, confirm)


def rules(rows: Sequence[Row]) -> Grid:
    """Each rule, the words that it rests on, and what enforces it."""
    table = _table(text("flows.rules"), "rule", "quotation", "how", "by")
    for row in rows:
        words = "\n".join(f"{source['text_zh']} {source['step']}" for source in row["source"])
        table.row(row["id"], words, row["how"] or text("flows.not_enforced"), "\n".join(row["by"]) or "-")
    return table


def _belongs(edge: Row, flow: str) -> bool:
    return any(step.split("/")[0] == flow for step in edge["declared_in"])


def _edge(edge: Row, flows: FlowBook, language: str) -> tuple[str | Text, ...]:
    modes: Mapping[str, str] = edge["modes"]
    return (
        edge["id"],
        _ends(edge, flows, language),
        _datasets(edge, flows, language),
        " / ".join(text(f"flows.mode_{mode}") for mode in modes.values()),
        text(f"flows.check_{edge['technician_check']}"),
        "-" if edge["rows"] is None else f"{edge['rows']:,}",
        _state(edge["state"]).append(f" v{edge['accepted_version']}" if edge["accepted_version"] else ""),
    )


def _ends(edge: Row, flows: FlowBook, language: str) -> str:
    return f"{flows.system_name(edge['source'], language)} → {flows.system_name(edge['target'], language)}"


def _datasets(edge: Row, flows: FlowBook, language: str) -> str:
    return text("status.list_mark", language).join(flows.dataset_name(code, language) for code in edge["datasets"])


def _outside(rows: Sequence[Row], flows: FlowBook, language: str) -> Grid:
    table = _table(text("flows.outside"), "edge", "from_to", "datasets", "modes_outside", "step", "deadline", "seen_as")
    for row in rows:
        limits = text("flows.limited", None, columns=", ".join(row["columns"])) if row["columns"] else ""
        seen = ", ".join(row["seen_as"]) or limits or "-"
        by_hand = text("flows.by_hand")
        shown = (_ends(row, flows, language), _datasets(row, flows, language), by_hand)
        table.row(row["id"], *shown, " ".join(row["steps"]), row["schedule"]["text_zh"], seen)
    return table


def _open_ended(rows: Sequence[Row], language: str) -> Grid:
    table = _table(text("flows.open_ended"), "step", "text", "how")
    for row in rows:
        table.row(row["step"], row["text_zh"], row[f"how_{language}"])
    return table


def _total(edges: Sequence[Row]) -> Prose:
    states = [edge["state"] for edge in edges]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    told = ", ".join(f"{_state(state)} {n}" for state, n in counts.items())
    return Prose(text("flows.total", None, edges=len(edges), states=told))


def _in_hub(step: Row, flows: FlowBook, language: str) -> str:
    parts = [
        text("flows.edge_of", None, id=edge["id"], ends=_ends(edge, flows, language), datasets=_datasets(edge, flows, language))
        for edge in step["edges"]
    ]
    parts += [text("flows.around", None, id=id) for id in step["outside"]]
    if step["edges"]:
        parts.append(text(f"flows.check_{'required' if step['technician_check'] else 'not_stated'}"))
    if step["reads"]:
        parts.append(text("flows.reads", None, system=flows.system_name(step["reads"], language)))
    if step["open_ended"]:
        parts.append(text("flows.is_open_ended"))
    parts += [text("flows.under_rule", None, id=id) for id in step["rules"]]
    return "\n".join(parts) or text("flows.by_people")


def _table(title: str, *keys: str) -> Grid:
    grid = Grid(title)
    for position, key in enumerate(keys):
        grid.column(text(f"flows.head_{key}"), right=key == "rows", whole=position == 0)
    return grid


def _state(value: str | None) -> Text:
    return Text("-") if value is None else Text(text(f"flows.state_{value}"), style=_COLOURS.get(value, "yellow"))
