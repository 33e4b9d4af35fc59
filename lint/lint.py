"""`hub lint`: everything that can be known to be wrong before a row is moved, each with `file:line`.

Contracts and SELECTs are read as files, in stages: what cannot be read is left out of what comes after, so that one slip
gives one finding. The rest of the house may then trust what the catalogue holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contracts.finding import Finding
from core.layers import layers_of
from lint import workspace as shelves
from lint.bind import lint_binding
from lint.calendar import lint_calendar
from lint.codes import lint_codes
from lint.feeds import lint_feeds
from lint.layers import overlays
from lint.references import lint_references
from lint.selects import lint_selects
from lint.shape import lint_shape
from lint.vocabulary import lint_file_place, lint_vocabulary
from lint.workspace import CONTRACT_KINDS, LintWorkspace

_MISLEADING_CODES = frozenset({"HUB113", "HUB116", "HUB117", "HUB119"})
"""Findings after which a contract's names and types cannot be held against other files."""

_SITE_NAMES = frozenset({"HUB123", "HUB126"})
"""Findings in a farther layer's file over systems and calendar windows, which only the site registers."""


def lint_home(home: Path | None = None) -> list[Finding]:
    """Every finding in a home folder (holding `schemas/` and `sql/`), default that of the settings, by file and line."""
    found = shelves.read_workspace(layers_of(home))
    findings = [*_lint_contracts(found), *lint_codes(found), *lint_references(found), *lint_selects(found), *lint_feeds(found)]
    findings += lint_calendar(found)
    findings += lint_binding(found, {finding.file for finding in findings})
    findings += overlays(found)
    findings = [item for item in findings if not (item.code in _SITE_NAMES and found.layers.is_site and ":" in item.file)]
    unique = {(finding.render("en"), finding.severity): finding for finding in [*found.broken, *findings]}
    return sorted(unique.values(), key=lambda finding: (finding.file, finding.line, finding.code))


def _lint_contracts(found: LintWorkspace) -> Iterator[Finding]:
    """Check each contract by itself, then put those of sound shape on the shelf for what looks across them."""
    sound: set[str] = set()
    for kind in CONTRACT_KINDS:
        for document in found.documents[kind]:
            faults = list(lint_shape(document, kind))
            if not faults:
                own = [*lint_vocabulary(document, kind), *lint_file_place(document, kind)]
                if not any(finding.code in _MISLEADING_CODES for finding in own):
                    sound.add(document.file)
                faults = own
            yield from faults
    shelves.assemble_contracts(found, frozenset(sound))
