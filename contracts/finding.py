"""A finding: one thing in a contract or a SELECT that a person must mend, with the line where it stands.

The texts live in the message catalogues under the code, as those of errors do, so that a finding reads the same on
the screen, in CI and in `docs/errors.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from contracts.contract import Severity
from core.messages import join_sentences, translate


@dataclass(frozen=True)
class Finding:
    """`file` is relative to the home folder; `line` counts from 1; `facts` fill the catalogue's text of `code`.

    The fact `reason_key` names another message, which the text holds as `{reason}`.
    """

    code: str
    file: str
    line: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "error"

    def describe_problem(self, language: str | None = None) -> str:
        """What is wrong."""
        facts = dict(self.facts)
        if "reason_key" in facts:
            facts["reason"] = translate(str(facts["reason_key"]), language)
        return translate(f"{self.code}.text", language, **facts)

    def right(self, language: str | None = None) -> str:
        """What would be right."""
        return translate(f"{self.code}.next", language, **self.facts)

    def render(self, language: str | None = None) -> str:
        """The finding on one line: `file:line: CODE what right`."""
        return join_sentences(f"{self.file}:{self.line}: {self.code}", self.describe_problem(language), self.right(language))

    def __str__(self) -> str:
        return self.render()


def nearest_names(name: object, known: Iterable[str]) -> str:
    """The known names with those most like `name` first, at most eight: what a misspelt name could have meant."""
    names = sorted(set(known))
    close = get_close_matches(str(name), names, n=3, cutoff=0.6)
    rest = [other for other in names if other not in close]
    shown = (close + rest)[:8]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "") if shown else "-"
