"""Two spellings of a name are one person."""

from __future__ import annotations

import pytest

from core.errors import Denied
from core.people import require_name, require_two_people


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("李工", "李工 "),
        ("李工", "李\u3000工"),
        ("Li Gong", "ＬＩ　ＧＯＮＧ"),
        ("li.gong", "Li-Gong"),
        ("李工", "\ufeff李\u200b工\u202e"),
        ("José", "Jose\u0301"),
        ("STRASSE", "straße"),
        ("李工", " "),
        ("\u200b", "李工"),
    ],
)
def test_spellings_of_one_name_and_names_of_nobody_are_not_two_persons(asked: str, agreed: str) -> None:
    with pytest.raises(Denied, match="HUB704"):
        require_two_people(asked, agreed, "brake 1")


def test_two_names_are_two_persons() -> None:
    require_two_people("李工", "张工", "brake 1")
    with pytest.raises(Denied, match="HUB753"):
        require_name("\u3000\u200b", "brake 1")
