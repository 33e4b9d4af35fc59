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
from lint.bind import bind
from lint.calendar import dates
from lint.codes import codes
from lint.feeds import feeds
from lint.layers import overlays
from lint.references import links
from lint.selects import sql
from lint.shape import shape
from lint.vocabulary import place_in_tree, words
from lint.workspace import KINDS, Shelf

_MISLEADING = frozenset({"HUB113", "HUB116", "HUB117", "HUB119"})
"""Findings after which a contract's names and types cannot be held against other files."""

_SITE_NAMES = frozenset({"HUB123", "HUB126"})
"""Findings in a farther layer's file over systems and calendar windows, which only the site registers."""


def lint(home: Path | None = None) -> list[Finding]:
    """Every finding in a home folder (holding `schemas/` and `sql/`), default that of the settings, by file and line."""
    found = shelves.shelf(layers_of(home))
    findings = [*_contracts(found), *codes(found), *links(found), *sql(found), *feeds(found)]
    findings += dates(found)
    findings += bind(found, {finding.file for finding in findings})
    findings += overlays(found)
    findings = [item for item in findings if not (item.code in _SITE_NAMES and found.layers.is_site and ":" in item.file)]
    unique = {(finding.render("en"), finding.severity): finding for finding in [*found.broken, *findings]}
    return sorted(unique.values(), key=lambda finding: (finding.file, finding.line, finding.code))


def _contracts(found: Shelf) -> Iterator[Finding]:
    """Check each contract by itself, then put those of sound shape on the shelf for what looks across them."""
    sound: set[str] = set()
    for kind in KINDS:
        for document in found.documents[kind]:
            faults = list(shape(document, kind))
            if not faults:
                own = [*words(document, kind), *place_in_tree(document, kind)]
                if not any(finding.code in _MISLEADING for finding in own):
                    sound.add(document.file)
                faults = own
            yield from faults
    shelves.assemble(found, frozenset(sound))
