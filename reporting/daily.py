"""The morning: look at the obligations, make the digests, send them. One function for the orchestrator and the command."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.catalog import load_catalog
from core.store.ledger import Ledger, open_ledger
from reporting import notify, obligations
from reporting.daily_digest import DailyDigest, build_digests


def list_obligations(day: date, ledger: Ledger | None = None) -> list[dict[str, Any]]:
    """Every obligation around a day as plain data, asked of the data now."""
    ledger, known = ledger or open_ledger(), load_catalog()
    return [item.facts(known, day) for item in obligations.watch_obligations(ledger, known, day)]


def prepare_digests(day: date, language: str | None = None, ledger: Ledger | None = None) -> list[DailyDigest]:
    """The digests of a day."""
    ledger = ledger or open_ledger()
    return build_digests(ledger, load_catalog(), list_obligations(day, ledger), day, language)


def send_daily_digests(day: date, ledger: Ledger | None = None) -> list[notify.SendResult]:
    """Send the digests of a day and say what became of each."""
    ledger = ledger or open_ledger()
    return notify.send_digests(ledger, prepare_digests(day, None, ledger), day)


def run_daily_job(day: date) -> dict[str, Any]:
    """Look at the obligations and tell the departments; returns `{obligations, missing, messages}`.

    Raises:
        FeedFailed: HUB737 when messages did not arrive; they are tried again next time.
    """
    ledger = open_ledger()
    found = list_obligations(day, ledger)
    sent = notify.send_digests(ledger, build_digests(ledger, load_catalog(), found, day), day)
    if error := notify.find_failure(sent):
        raise error
    missing = sum(item["state"] == "missing" for item in found)
    return {"obligations": len(found), "missing": missing, "messages": sum(item.state == "sent" for item in sent)}
