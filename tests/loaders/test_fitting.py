"""What does not fit a receiver's table is told by column and count, and no value of it reaches the receiver's own log."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from receivers import Edge, line_without_values
from test_table_targets import Receiver, here, own_table, receiver

from core.errors import FeedFailed
from core.store.address import parse_url
from loaders.base import ApplyResult, open_target
from onboarding.target_conformance import build_person

__all__ = ["here", "receiver"]
SECRET = "欧阳不可见"


@pytest.mark.parametrize(
    ("narrow", "row", "word", "column"),
    [
        ("{XM} varchar(3)", {"full_name": SECRET}, "fit.long", "XM"),
        ("{XM} varchar(60) not null", {"full_name": None}, "fit.empty", "XM"),
        ("{YJ} decimal(6,2)", {"deposit": Decimal("12345.67")}, "fit.range", "YJ"),
        ("{KGSJ} varchar(4)", {"opens": "08:00"}, "fit.long", "KGSJ"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_does_not_fit_is_never_sent(
    receiver: Receiver, here: Edge, narrow: str, row: dict[str, Any], word: str, column: str, first: bool
) -> None:
    own_table(receiver, here)
    table = receiver.q(here.feed.physical)
    name = narrow.partition("}")[0][1:]
    kind = narrow.partition("} ")[2]
    if receiver.engine == "postgresql":
        receiver.ask(f"alter table {table} alter {receiver.q(name)} type {kind.removesuffix(' not null')}")
        if kind.endswith("not null"):
            receiver.ask(f"alter table {table} alter {receiver.q(name)} set not null")
    else:
        receiver.ask(f"alter table {table} modify {receiver.q(name)} {kind}")
    fitting = {"full_name": "李", "deposit": Decimal("1.00"), "opens": "8:00"}
    if not first:
        here.send([build_person(1, **fitting)])
    delivery = here.prepared([build_person(2, **fitting), build_person(3, **fitting | row)])
    with pytest.raises(FeedFailed) as refused:
        here.apply(delivery)
    facts = refused.value.facts
    assert (refused.value.code, facts["column"], facts["rows"], facts["reason_key"]) == ("HUB616", column, 1, word)
    line_without_values(refused.value, SECRET, "12345.67")
    here.rows.clear()
    assert here.apply(here.prepared([build_person(2, **fitting)])) == ApplyResult(1, 0)


def test_a_receivers_log_is_asked_for_errors_without_their_rows(postgres_url: str) -> None:
    """An account that may not ask for it is taken as it is."""
    receiver = Receiver(postgres_url)
    receiver.ask("drop role if exists plain")
    receiver.ask("create role plain")
    receiver.ask("alter database receiver set log_error_verbosity = 'verbose'")
    for url, said in ((postgres_url, "terse"), (f"{postgres_url}&options=-crole%3Dplain", "verbose")):
        target: Any = open_target(parse_url("dst_library", url))
        with target.transaction("E07.reader"):
            assert target.read_rows("show log_error_verbosity") == [(said,)]
        target.close()
    receiver.ask("drop role plain")
    receiver.ask("alter database receiver reset log_error_verbosity")
    receiver.link.close()
