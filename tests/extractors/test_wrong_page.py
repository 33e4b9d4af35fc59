"""Short texts in another code page than the file's: they decode to real characters, which nobody writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance import dataset, read

from core.errors import Refused
from core.store.address import parse_url
from extractors.base import open_extractor
from extractors.files.encoding import decode_cells, is_plainly_other, replace_misread

BIG5 = ["臺灣", "林志玲", "張惠妹", "蔡依林", "高雄市", "劉德華", "鄭成功"]
UTF8 = ["李明", "张伟", "北京"]
WESTERN = ["Pérez", "Müller", "España", "Ávila", "Peña", "García"]
OWN = [
    "陈玥",
    "陈玥玥",
    "王喆",
    "赵堃",
    "陈玥喆",
    "張惠妹",
    "龔鵬程",
    "闫旻",
    "張玥瑄",
    "翀",
    "朱赟昕",
    "臺灣大學",
    "曌堃",
    "沈喆玥",
]
MIXED = ["裡面", "A點", "T恤", "卡拉OK", "X线", "著裝", "“引用”…", "（一）、二"]


@pytest.mark.parametrize(
    ("name", "wrote"),
    [*((one, "big5") for one in BIG5), *((one, "utf-8") for one in UTF8), *((one, "latin-1") for one in WESTERN)],
)
def test_another_page_in_a_gbk_file_is_marked(name: str, wrote: str) -> None:
    held = name.encode(wrote)
    found, bad = decode_cells([held, "王小明".encode("gbk"), None], "gb18030")
    assert bad or "\ufffd" in found[0].as_py()
    assert bad or found.to_pylist()[1:] == ["王小明", None]


@pytest.mark.parametrize("name", [*OWN, *MIXED])
def test_names_that_people_have_are_left_alone(name: str) -> None:
    assert replace_misread(name, "gb18030") == name
    assert replace_misread(f"王,{name},男", "gbk") == f"王,{name},男"


def test_gbk_in_a_big5_file_is_marked_or_the_file_refused() -> None:
    for name in ("张伟", "信息工程系"):
        assert "\ufffd" in replace_misread(name.encode("gbk").decode("big5"), "big5")
    for name in ("張玥瑄", "李昀燁", "張淯婕", "曹燿庭", "臺灣大學"):
        assert replace_misread(name, "big5") == name
    people = "李娜\n王小明\n欧阳娜娜\n刘洋\n张伟\n".encode("gbk")
    assert is_plainly_other(people, "big5")
    assert not is_plainly_other("張玥瑄\n李昀燁\n曹燿庭\n王大明\n".encode("big5"), "big5")


def test_one_row_in_another_page_is_held_and_the_others_are_read(tmp_path: Path) -> None:
    rows = ["k,v\n", "1,王小明\n", "2,陈玥\n", "3,计算机学院\n", "4,信息工程系\n"]
    data = "".join(rows).encode("gbk") + b"5," + "劉德華".encode("big5") + b"\n"
    (tmp_path / "t.csv").write_bytes(data)
    extractor = open_extractor(parse_url("src_hr", f"file://{tmp_path}"))
    found = read(extractor, dataset("t.csv", {"k": "text", "v": "text"}, encoding="gb18030"))["v"].to_pylist()
    assert found[:4] == ["王小明", "陈玥", "计算机学院", "信息工程系"]
    assert found[4].startswith("\ufffd")
    (tmp_path / "t.csv").write_bytes("k,v\n1,李娜\n2,王小明\n3,刘洋\n4,张伟\n".encode("gbk"))
    with pytest.raises(Refused, match="HUB304"):
        read(
            open_extractor(parse_url("src_hr", f"file://{tmp_path}")),
            dataset("t.csv", {"k": "text", "v": "text"}, encoding="big5"),
        )
