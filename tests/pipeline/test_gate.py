"""When so many rows of a source are held that the source is wrong, and not its rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from desk import brake_release


def _codes(outcome: Any) -> list[tuple[str, str]]:
    return [(error.code, error.where) for error in outcome.problems]


def _slip(university: Any, last: str) -> None:
    """A column of the source slips: units of the first people are no units any more; somebody else is renamed."""
    university.department(f"update jzg set lxrq = 'U1', gxsj = now() where gh <= '{last}'")
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0040'")


def test_a_slipped_column_stops_the_entity_until_it_is_mended_or_released(university: Any) -> None:
    university.night(1)
    before = university.hub()
    _slip(university, "T0013")
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    for day in (2, 3):
        outcome = university.night(day)
        assert _codes(outcome) == [("HUB401", "staff")]
        line = outcome.problems[0].line("zh")
        assert all(part in line for part in ("13 行", "32.5%", "hub held --entity staff", "hub release")), line
        assert university.hub() == before
        assert "新名" in {row[3] for row in university.received()}, "the others go on"
    brakes = university.ledger.rows("select * from ops.brake where state = 'tripped'")
    assert len(brakes) == 1
    brake_release.request_release(university.ledger, brakes[0]["brake_id"], "zhang", "来源年底才改")
    brake_release.approve_release(university.ledger, brakes[0]["brake_id"], "li", date(2026, 9, 12), date(2026, 9, 9))
    assert _codes(university.night(4)) == []
    assert len(university.hub()) == 40 and len({key for _, key, _ in university.held()}) == 13
    assert "改名" in {row[1] for row in university.hub()}
    _slip(university, "T0025")
    assert _codes(university.night(5)) == [("HUB401", "staff")], "the release is for those rows"
    university.populate()
    assert _codes(university.night(6)) == []
    assert university.held() == set()


def test_few_held_rows_of_a_small_source_stop_nobody(university: Any) -> None:
    university.night(1)
    _slip(university, "T0008")
    assert _codes(university.night(2)) == []
    assert "改名" in {row[1] for row in university.hub()}
