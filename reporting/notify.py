"""Alerts: the morning's digests to the departments, once a day each, by mail, DingTalk, WeCom, Feishu or a webhook.

Where a department reads its messages is a connection (`alert_<system>`, `alert_it`) that holds an address of the
notification library; none stands in the repository. What a receiver refuses is tried again at once, then by the next run, and
is shown until it arrives. The library's own texts may quote an address, so only a mail server's code is kept of them.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import stamina

from core.errors import FeedFailed, HubError
from core.hashing import hash_values as fingerprint
from core.store import connections
from core.store.ledger import Ledger, Row
from reporting.daily_digest import DailyDigest

TRIES = 3
WAIT_SECONDS = 1.0
_ERROR_CODE = re.compile(r"(?:\(|error=)([45]\d\d)\b")
"""A mail server's code as its library prints it, `(452, ...)`, or a web server's, `error=503`."""


class NotSent(Exception):
    """A receiver did not take a message; `reason` is a code, never a text of the receiver."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class SendResult:
    """What became of one department's message: `sent`, `not_sent`, `no_address`, or `before` when it had been sent already."""

    department: str
    state: str
    points: int
    reason: str | None = None

    def facts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def send_digests(ledger: Ledger, digests: Sequence[DailyDigest], day: date) -> list[SendResult]:
    """Send the digests of a day; a department that has had its message of that day gets no second one."""
    return [_send_digest(ledger, digest, day) for digest in digests]


def find_failure(outcomes: Sequence[SendResult]) -> HubError | None:
    """The error of a morning on which messages did not arrive, for the run to end with."""
    missing = [outcome.department for outcome in outcomes if outcome.state == "not_sent"]
    return FeedFailed("HUB737", "alerts", count=len(missing), departments=", ".join(missing)) if missing else None


def _send_digest(ledger: Ledger, digest: DailyDigest, day: date) -> SendResult:
    with ledger.hold_lock(f"alert {digest.department} {day}"):
        before = ledger.fetch_row("select * from ops.alert where department = %s and as_of = %s", [digest.department, day])
        if before is not None and before["state"] == "sent":
            return SendResult(digest.department, "before", before["points"])
        url = _find_address(digest.department)
        if url is None:
            return _record_result(ledger, digest, day, before, ("no_address", None))
        try:
            send_message(url, digest.title, digest.body)
        except NotSent as error:
            return _record_result(ledger, digest, day, before, ("not_sent", error.reason))
        return _record_result(ledger, digest, day, before, ("sent", None))


def _find_address(department: str) -> str | None:
    try:
        return connections.get_connection(f"alert_{department}").url
    except HubError:
        return None


def send_message(url: str, title: str, body: str) -> None:
    """Hand one message over, trying a few times.

    Raises:
        NotSent: with the mail server's code (452, 552), else `unreachable` or `address`.
    """
    for attempt in stamina.retry_context(on=NotSent, attempts=TRIES, timeout=None, wait_initial=WAIT_SECONDS):
        with attempt:
            _send_once(url, title, body)


def _send_once(url: str, title: str, body: str) -> None:
    import apprise  # 0.3 s that a command without messages need not pay

    service = apprise.Apprise()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its plugins, loaded here, import what Python 3.13 drops
        if not service.add(url):
            raise NotSent("address")
    heard = _CodeListener()
    with _capture_log(apprise.logger, heard):
        taken = service.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    if not taken:
        raise NotSent(heard.code or "unreachable")


@contextlib.contextmanager
def _capture_log(logger: logging.Logger, heard: logging.Handler) -> Iterator[None]:
    """Let one handler hear everything a logger says, and nobody else."""
    before = logger.propagate, logger.level
    logger.addHandler(heard)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(heard)
        logger.propagate = before[0]
        logger.setLevel(before[1])


class _CodeListener(logging.Handler):
    """Listens to the library for a receiver's code and keeps nothing else."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.code: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        found = _ERROR_CODE.search(record.getMessage())
        if found and self.code is None:
            self.code = found[1]


def _record_result(
    ledger: Ledger, digest: DailyDigest, day: date, before: Row | None, result: tuple[str, str | None]
) -> SendResult:
    state, reason = result
    now = ledger.clock()
    ledger.execute(
        "insert into ops.alert as a values (%s, %s, %s, %s, %s, 1, %s, %s, %s) on conflict (department, as_of) do update set"
        " state = excluded.state, points = excluded.points, content_hash = excluded.content_hash, attempts = a.attempts + 1,"
        " reason = excluded.reason, tried_at = excluded.tried_at, sent_at = excluded.sent_at",
        [
            *(digest.department, day, state, len(digest.points), fingerprint(digest.title, digest.points), reason, now),
            now if state == "sent" else None,
        ],
    )
    return SendResult(digest.department, state, len(digest.points), reason)
