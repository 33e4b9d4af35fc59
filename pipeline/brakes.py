"""The brake's memory: what tripped, what two persons released until when, and for which change exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from core.errors import Braked
from pipeline.context import Night


def pull(night: Night, subject: str, code: str, content: str, facts: Mapping[str, Any]) -> None:
    """Stop `subject` (an entity or a feed) unless this very change, known by its content hash, is released.

    Raises:
        Braked: with `code` and `facts`; the brake is on record once, however often the change is tried.
    """
    book, today = night.ledger, night.run.as_of
    released = book.one(
        "update ops.brake set state = 'used' where subject = %s and content_hash = %s"
        " and state in ('released', 'used') and expires_on >= %s returning brake_id",
        [subject, content, today],
    )
    if released:
        return
    book.execute(
        "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
        " select %s, %s, %s, %s, %s, 'tripped', %s where not exists (select 1 from ops.brake"
        " where subject = %s and content_hash = %s and state in ('tripped', 'requested'))",
        [night.run.id, subject, code, Jsonb(dict(facts)), content, today, subject, content],
    )
    raise Braked(code, subject, **facts)
