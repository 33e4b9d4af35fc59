"""A coming year whose working days nobody has confirmed: said by a hub at work, from December on, until somebody does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.catalog import load_catalog
from core.settings import ROOT
from core.store.ledger import Ledger
from reporting import action_items


def years(book: Ledger, moment: datetime) -> list[int]:
    later = Ledger(book.url, lambda: moment)
    try:
        found = [point for point in action_items.list_action_items(later, load_catalog()) if point["kind"] == "makeup"]
        assert all("HUB761" in action_items.format_action_item(point) for point in found)
        return [point["facts"]["year"] for point in found]
    finally:
        later.close()


@pytest.fixture
def far(university: Any) -> Any:
    """The small university in school year 2031-2032, of which no package can know anything yet."""
    folder = university.home / "schemas" / "calendar"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.yaml"):
        path.unlink()
    shipped = (ROOT / "schemas" / "calendar" / "2026-2027.yaml").read_text("utf-8")
    (folder / "2031-2032.yaml").write_text(shipped.replace("2027-", "2032-").replace("2026-", "2031-"), "utf-8")
    university.forget()
    return university


def test_an_unconfirmed_year_is_said_from_december_on_by_a_hub_at_work(far: Any) -> None:
    december = datetime(2031, 12, 1, 4, 0, tzinfo=UTC)
    assert years(far.ledger, december) == []  # nothing published: there is nobody to tell
    far.night(1)
    assert years(far.ledger, datetime(2030, 11, 30, 4, 0, tzinfo=UTC)) == []
    assert years(far.ledger, datetime(2030, 11, 30, 16, 0, tzinfo=UTC)) == [2031]  # 1 December at the university
    assert years(far.ledger, december) == [2031, 2032]
    path = far.home / "schemas" / "calendar" / "2031-2032.yaml"
    path.write_text(path.read_text("utf-8").replace("makeup_confirmed: []", "makeup_confirmed: [2031, 2032]"), "utf-8")
    assert years(far.ledger, december) == []
