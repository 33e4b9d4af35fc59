"""The morning: look at the obligations, make the digests, send them. One function for the orchestrator and the command."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.catalog import catalog
from core.store.ledger import Ledger, ledger
from reporting import notify, obligations
from reporting.daily_digest import Digest, digests


def look(day: date, book: Ledger | None = None) -> list[dict[str, Any]]:
    """Every obligation around a day as plain data, asked of the data now."""
    book, known = book or ledger(), catalog()
    return [item.facts(known, day) for item in obligations.watch(book, known, day)]


def written(day: date, language: str | None = None, book: Ledger | None = None) -> list[Digest]:
    """The digests of a day."""
    book = book or ledger()
    return digests(book, catalog(), look(day, book), day, language)


def tell(day: date, book: Ledger | None = None) -> list[notify.Outcome]:
    """Send the digests of a day and say what became of each."""
    book = book or ledger()
    return notify.send(book, written(day, None, book), day)


def morning(day: date) -> dict[str, Any]:
    """Look at the obligations and tell the departments; returns `{obligations, missing, messages}`.

    Raises:
        FeedFailed: HUB737 when messages did not arrive; they are tried again next time.
    """
    book = ledger()
    found = look(day, book)
    sent = notify.send(book, digests(book, catalog(), found, day), day)
    if error := notify.failed(sent):
        raise error
    missing = sum(item["state"] == "missing" for item in found)
    return {"obligations": len(found), "missing": missing, "messages": sum(item.state == "sent" for item in sent)}
