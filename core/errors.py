"""Errors, grouped by what a run does next, each one line: code, where, what is wrong, what to do.

The texts live in the message catalogues under the code, so that both languages and the generated
`docs/errors.md` say the same. An error never carries a personal value: facts are names, counts and codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from core.messages import has_message, join_sentences, translate

PLACES_SHOWN = 4


class HubError(Exception):
    """An error with a stable code (`HUB301`), the place it concerns and the facts its text needs.

    `recovery` says what the run does next. `line(language)` is the whole message on one line.
    """

    recovery: ClassVar[str] = "fail"
    trace: tuple[str, ...] = ()
    """Where in the program it came up, for an error that nobody foresaw: frames, then exception types. No values."""

    def __init__(self, code: str, where: str, **facts: Any) -> None:
        self.code = code
        self.where = where
        self.facts = facts
        super().__init__(code, where, facts)

    def describe_problem(self, language: str | None = None) -> str:
        """What is wrong, without the code, the place and the next step. The fact `reason_key` (`problem_key`) names another
        message, which the text holds as `{reason}` (`{problem}`); a `kind` of thing is said in the reader's language."""
        named = {fact: self.facts.get(f"{fact}_key") for fact in ("reason", "problem")}
        told = {fact: translate(str(key), language, **self.facts) for fact, key in named.items() if key}
        kind = f"kinds.{str(self.facts.get('kind', '')).replace(' ', '_')}"
        told |= {"kind": translate(kind, language)} if has_message(kind, language) else {}
        return translate(f"{self.code}.text", language, **{**self.facts, **told})

    def describe_next_step(self, language: str | None = None) -> str:
        """What to do next."""
        return translate(f"{self.code}.next", language, **self.facts)

    def line(self, language: str | None = None) -> str:
        """The message in one line, in the language given or the one set for this process."""
        return join_sentences(f"{self.code} {self.where}:", self.describe_problem(language), self.describe_next_step(language))

    def __str__(self) -> str:
        return self.line()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_error, (type(self), self.code, self.where, self.facts)


class ContractError(HubError):
    """HUB1xx: a contract, a SELECT or a code list is wrong. Nothing of it runs until a person mends it."""


class Unavailable(HubError):
    """HUB2xx: a source or a target cannot be reached or broke off. The step is tried again."""

    recovery = "retry"


class Refused(HubError):
    """HUB3xx: what arrived is not what the contract says (drift, encoding, damaged file). Nothing is loaded."""

    recovery = "refuse"


class Gated(HubError):
    """HUB4xx: the held rows pass the share that the contract allows. The entity keeps its last version."""

    recovery = "hold"


class Braked(HubError):
    """HUB5xx: the change is larger than the contract expects. It waits for a release by a second person."""

    recovery = "stop"


class FeedFailed(HubError):
    """HUB6xx: a receiver did not take a delivery as sent. Its accepted version does not move."""

    recovery = "fail-feed"


class Denied(HubError):
    """HUB7xx: a person may not do what was asked, or asked for something that does not exist."""


class MachineFault(HubError):
    """HUB8xx: this machine cannot do it: disk, memory, a missing program, a wrong setting."""


def merge_errors(errors: Sequence[HubError]) -> list[HubError]:
    """One error for each thing that is broken: those that differ only in where they were met become one, in the order met."""
    groups: dict[tuple[str, str], list[HubError]] = {}
    for error in errors:
        groups.setdefault((error.code, repr(sorted(error.facts.items()))), []).append(error)
    return [
        type(group[0])(group[0].code, _join_places([error.where for error in group]), **group[0].facts)
        for group in groups.values()
    ]


def _join_places(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    return ", ".join(shown[:PLACES_SHOWN]) + (f" (+{len(shown) - PLACES_SHOWN})" if len(shown) > PLACES_SHOWN else "")


def _rebuild_error(kind: type[HubError], code: str, where: str, facts: dict[str, Any]) -> HubError:
    return kind(code, where, **facts)
