"""Does a site fit the product and the profile under it: overlays, and files that take the place of others?"""

from __future__ import annotations

from collections.abc import Iterator

from contracts import odcs
from contracts.finding import Finding, nearest_names
from contracts.overlay import check_overlay
from lint.workspace import LintWorkspace

WORD = "overrides:"


def overlays(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB898 over files that silently replace another layer's, and HUB899 over overlays that do not fit."""
    for path, layer in found.layers.shadowed():
        first = path.read_text("utf-8", errors="replace").partition("\n")[0]
        if first.lstrip("#- ") != f"{WORD} {layer.name}":
            yield Finding("HUB898", found.layers.file_name(path), 1, {"layer": layer.name})
    files = {document.path.name.removesuffix(".odcs.yaml"): document.path for document in found.documents["hub"]}
    for name, document in found.overlays.items():
        contract = odcs.read_document(files[name]) if name in files and document.data.get("entity") == name else None
        for place, value, known in check_overlay(document, contract):
            yield Finding(
                "HUB899", document.file, document.line(*place), {"name": value, "known": nearest_names(value, known or files)}
            )
