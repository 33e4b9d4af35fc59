"""Which feeds are due: their schedule word says so, or their receiver has never had anything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from contracts.contract import FeedDataset
from core.calendar import Calendar, load_calendar
from core.schedule import FEED_SCHEDULES
from core.store.ledger import Ledger


def is_due_on(feed: FeedDataset, day: date, year: Calendar | None = None) -> bool:
    """Whether the feed's schedule word is on at this date; a word that does not exist is never on."""
    schedule = FEED_SCHEDULES.get(feed.schedule)
    return schedule is not None and schedule.is_on(year or load_calendar(), day)


def list_due_feeds(ledger: Ledger, feeds: Iterable[FeedDataset], day: date, word: str | None = None) -> list[FeedDataset]:
    """The feeds that a night of this date delivers: those whose schedule is on, and those never accepted (first load).

    With a `word`, the feeds of that schedule whatever the date, and in a `nightly` run the first loads as well.
    """
    started = {(row["edge"], row["dataset"]) for row in ledger.rows("select edge, dataset from ops.accepted")}
    year, chosen = load_calendar(), []
    for feed in feeds:
        wanted = is_due_on(feed, day, year) if word is None else feed.schedule == word
        first = word in (None, "nightly") and (feed.edge, feed.dataset) not in started
        if wanted or (first and feed.schedule in FEED_SCHEDULES):
            chosen.append(feed)
    return chosen
