"""The flow document on a terminal: a table a flow, the steps of one, findings, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table

from core.ledger import Row
from core.text import text
from schemas.flowbook import FlowBook

_COLOURS = {"accepted": "green", "done": "green", "refused": "red", "failed": "red", "open": "yellow", "off": "dim"}


def overview(found: Row, flows: FlowBook, language: str) -> Group:
    """For every flow a table of the edges that its steps declare; then what is outside the hub, and the open-ended steps."""
    tables = []
    for flow in found["flows"]:
        mine = [edge for edge in (*found["edges"], *found["additional"]) if _belongs(edge, flow["id"])]
        table = _table(
            f"{flow['id']} {flow[f'title_{language}']}", "edge", "from_to", "datasets", "modes", "check", "rows", "state"
        )
        for edge in mine:
            table.add_row(*_edge(edge, flows, language))
        tables.append(table if mine else f"[bold]{flow['id']} {flow[f'title_{language}']}[/bold]  {text('flows.no_edges')}")
    return Group(
        *tables, _outside(found["outside"], flows, language), _open_ended(found["open_ended"], language), _total(found["edges"])
    )


def steps(found: Row, language: str) -> Table:
    """The steps of a flow: what the document says, what it is in the hub, by when, and its state."""
    table = _table(f"{found['id']} {found[f'title_{language}']}", "step", "text", "in_hub", "deadline", "state")
    for step in found["steps"]:
        said = f"[bold]{step['actor_zh']}[/bold] {step['text_zh']}"
        note = f"\n[dim]{step['note_zh']}[/dim]" if step["note_zh"] else ""
        due = "\n".join(f"{item['symbol']} {item['id']}" for item in step["deadlines"])
        table.add_row(str(step["n"]), said + note, _in_hub(step), due or "-", _state(step["state"]), end_section=True)
    return table


def audit(found: Row) -> Group:
    """The findings with what the hub does about each, and the edges that one side has yet to confirm."""
    findings = _table(text("flows.findings"), "finding", "finding_text", "how", "where", "state")
    for item in found["findings"]:
        shown = ", ".join(item["where"][:6]) + (" …" if len(item["where"]) > 6 else "")
        findings.add_row(item["id"], item["finding"], item["how"], shown, _state(item["state"]), end_section=True)
    confirm = _table(
        text("flows.to_confirm", None, count=len(found["to_confirm"])), "edge", "from_to", "datasets", "declared", "confirm"
    )
    for row in found["to_confirm"]:
        declared = text(f"flows.declared_{row['declared_by']}")
        by = text("flows.confirm_by", None, office=row["confirm_by"])
        confirm.add_row(row["id"], f"{row['source']} → {row['target']}", ", ".join(row["datasets"]), declared, by)
    return Group(findings, confirm)


def rules(rows: Sequence[Row]) -> Table:
    """Each rule, the words that it rests on, and what enforces it."""
    table = _table(text("flows.rules"), "rule", "quotation", "how", "by")
    for row in rows:
        words = "\n".join(f"{source['text_zh']} [dim]{source['step']}[/dim]" for source in row["source"])
        table.add_row(row["id"], words, row["how"] or text("flows.not_enforced"), "\n".join(row["by"]) or "-", end_section=True)
    return table


def _belongs(edge: Row, flow: str) -> bool:
    return any(step.split("/")[0] == flow for step in edge["declared_in"])


def _edge(edge: Row, flows: FlowBook, language: str) -> tuple[str, ...]:
    modes: Mapping[str, str] = edge["modes"]
    return (
        edge["id"],
        f"{flows.system_name(edge['source'], language)} → {flows.system_name(edge['target'], language)}",
        ", ".join(edge["datasets"]),
        " / ".join(text(f"flows.mode_{mode}") for mode in modes.values()),
        text(f"flows.check_{edge['technician_check']}"),
        "-" if edge["rows"] is None else f"{edge['rows']:,}",
        _state(edge["state"]) + (f" v{edge['accepted_version']}" if edge["accepted_version"] else ""),
    )


def _outside(rows: Sequence[Row], flows: FlowBook, language: str) -> Table:
    table = _table(text("flows.outside"), "edge", "from_to", "datasets", "modes_outside", "step", "deadline", "seen_as")
    for row in rows:
        ends = f"{flows.system_name(row['source'], language)} → {flows.system_name(row['target'], language)}"
        limits = text("flows.limited", None, columns=", ".join(row["columns"])) if row["columns"] else ""
        seen = ", ".join(row["seen_as"]) or limits or "-"
        by_hand = text("flows.by_hand")
        table.add_row(
            row["id"], ends, ", ".join(row["datasets"]), by_hand, " ".join(row["steps"]), row["schedule"]["text_zh"], seen
        )
    return table


def _open_ended(rows: Sequence[Row], language: str) -> Table:
    table = _table(text("flows.open_ended"), "step", "text", "how")
    for row in rows:
        table.add_row(row["step"], row["text_zh"], row[f"how_{language}"])
    return table


def _total(edges: Sequence[Row]) -> str:
    states = [edge["state"] for edge in edges]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return text("flows.total", None, edges=len(edges), states=", ".join(f"{_state(state)} {n}" for state, n in counts.items()))


def _in_hub(step: Row) -> str:
    parts = [f"{edge['id']} {edge['source']} → {edge['target']} ({', '.join(edge['datasets'])})" for edge in step["edges"]]
    parts += [text("flows.around", None, id=id) for id in step["outside"]]
    if step["edges"]:
        parts.append(text(f"flows.check_{'required' if step['technician_check'] else 'not_stated'}"))
    if step["reads"]:
        parts.append(text("flows.reads", None, system=step["reads"]))
    if step["open_ended"]:
        parts.append(text("flows.is_open_ended"))
    parts += [text("flows.under_rule", None, id=id) for id in step["rules"]]
    return "\n".join(parts) or text("flows.by_people")


def _table(title: str, *keys: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for key in keys:
        table.add_column(text(f"flows.head_{key}"), overflow="fold", justify="right" if key == "rows" else "left")
    return table


def _state(value: str | None) -> str:
    if value is None:
        return "-"
    colour = _COLOURS.get(value, "yellow")
    return f"[{colour}]{text(f'flows.state_{value}')}[/{colour}]"
