"""What changed is told by prints that the last publish left; where they do not hold, by the hub itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def changed(university: Any) -> tuple[int, int]:
    """Rows in and rows closed of the newest version."""
    row = university.ledger.single("select rows_in, rows_closed from ops.version order by version desc limit 1")
    return row["rows_in"], row["rows_closed"]


def made(university: Any) -> dict[str, Any]:
    """The staged change of staff that became its newest version."""
    row = university.ledger.single(
        "select output -> 'made' -> 'staff' as made from ops.step where verb = 'publish' and output -> 'made' ? 'staff'"
        " order by step_id desc limit 1"
    )
    return dict(row["made"])


def raise_salary(university: Any, number: str) -> None:
    university.department(f"update jzg set gz = gz + 1, gxsj = gxsj + interval '1 day' where gh = '{number}'")


def test_a_row_that_was_held_and_comes_back_as_it_was_is_no_change(university: Any) -> None:
    university.night(1)
    university.department("update jzg set xm = null where gh = 'T0004'")
    raise_salary(university, "T0005")
    assert university.night(2).problems == []
    assert (university.ledger.version(), changed(university)) == (2, (1, 1))
    before = university.hub()
    university.department("update jzg set xm = '张' || chr(20004) where gh = 'T0004'")
    raise_salary(university, "T0006")
    assert university.night(3).problems == []
    assert (university.ledger.version(), changed(university)) == (3, (1, 1))
    assert [row for row in university.hub() if row not in before] == [row for row in university.hub() if row[0] == "T0006"]


@pytest.mark.parametrize("trouble", ["removed", "of another engine", "damaged"])
def test_prints_that_do_not_hold_are_not_believed(university: Any, trouble: str) -> None:
    university.night(1)
    stands = Path(made(university)["stands"])
    if trouble == "removed":
        stands.unlink()
    elif trouble == "damaged":
        from core.engine import open_engine, quote_literal

        with open_engine("damage") as db:
            db.execute(f"create table kept as from read_parquet({quote_literal(stands)})")
            db.execute("update kept set print_a = 0 where source_key = 'T0007'")
            db.execute(f"copy kept to {quote_literal(stands)} (format parquet)")
    else:
        older = "jsonb_set(output, '{made,staff,prints_by}', '\"0.1\"')"
        university.ledger.execute(f"update ops.step set output = {older} where output -> 'made' ? 'staff'")
    raise_salary(university, "T0005")
    assert university.night(2).problems == []
    assert changed(university) == (1, 1)


def test_a_row_that_somebody_took_out_of_the_hub_comes_back_with_the_next_change(university: Any) -> None:
    university.night(1)
    whole = [row[0] for row in university.hub()]
    university.ledger.execute("delete from hub.staff where staff_no = 'T0009'")
    raise_salary(university, "T0005")
    assert university.night(2).problems == []
    assert [row[0] for row in university.hub()] == whole
    assert changed(university) == (2, 1)


def test_a_key_that_somebody_changed_in_the_hub_is_seen_though_as_many_rows_are_there(university: Any) -> None:
    university.night(1)
    whole = [row[0] for row in university.hub()]
    university.ledger.execute("update hub.staff set staff_no = 'T0999', source_key = 'T0999' where staff_no = 'T0009'")
    raise_salary(university, "T0005")
    assert university.night(2).problems == []
    assert set(whole) <= {row[0] for row in university.hub()}
    assert university.night(3).problems == []
    assert [row[0] for row in university.hub()] == whole
