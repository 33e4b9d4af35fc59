"""Chinese texts use full-width punctuation (GB/T 15834): never a half-width sign beside a Chinese character."""

from __future__ import annotations

import re

from core.errors import Refused
from core.messages import load_messages

_HAN = "[\u3400-\u4dbf\u4e00-\u9fff]"
_HALF = re.compile(rf"{_HAN} ?[,;:?!](?![A-Za-z0-9=])|{_HAN}\(|(?<!off)[,;:!] ?{_HAN}|\){_HAN}|[。，；：] +\S|\}}[,;]\{{")
_CODE = re.compile(r"[a-z]+\([^)]*\)")
"""A call of a function, which is written as the engine wants it."""


def test_no_half_width_punctuation_beside_chinese() -> None:
    wrong = {key: value for key, value in load_messages("zh").items() if _HALF.search(_CODE.sub("x", value))}
    assert wrong == {}


def test_the_two_sentences_of_a_chinese_error_stand_together() -> None:
    error = Refused("HUB307", "hr.staff", file="a.csv")
    assert error.line("zh").startswith("HUB307 hr.staff: 文件 a.csv 还在写入。什么都没有装入。")
    assert error.line("en").count(". ") >= 2
