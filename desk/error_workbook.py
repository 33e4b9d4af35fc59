"""The fix list: what is wrong in a handed-in file, one line a fault, as a workbook that goes back to the department."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from core.messages import translate
from desk.dry_run import FileFault

COLUMNS = (("row", 8), ("column", 18), ("value", 24), ("severity", 8), ("why", 60), ("right", 60))


def write_workbook(path: Path, faults: Sequence[FileFault]) -> None:
    """Write the faults to `path`, in the order of the file; values come masked already (canonical model, section 10)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        cell = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(translate("desk.fix.sheet"))
        for place, (name, width) in enumerate(COLUMNS):
            sheet.set_column(place, place, width, cell)
            sheet.write_string(0, place, translate(f"desk.fix.{name}"), head)
        for number, fault in enumerate(faults, 1):
            severity = translate(f"desk.fix.{fault.severity}")
            shown = (str(fault.row or "-"), fault.column, fault.value, severity, fault.why, fault.right)
            for place, value in enumerate(shown):
                sheet.write_string(number, place, value, cell)
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(len(faults), 1), len(COLUMNS) - 1)
