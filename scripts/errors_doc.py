"""`docs/errors.md` from the message catalogues, so that the page says what the program says.

`python scripts/errors_doc.py` writes the page; a test fails when it is not current.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
GROUPS = {
    "1": ("合同、代码表、SQL 写错", "改正之前不运行该项；`hub lint` 给出文件与行号"),
    "2": ("连不上来源或接收方", "自动重试"),
    "3": ("来的不是合同所说的", "整份拒收，什么都不装入"),
    "4": ("暂留过多", "该实体停在上一版"),
    "5": ("制动", "等两人放行"),
    "6": ("接收方没有照收", "已收版本不变"),
    "7": ("不允许，或没有这样东西", "按提示改命令"),
    "8": ("本机做不到", "按提示清空间、改设置"),
}


def page() -> str:
    """The whole page: a table for each hundred of codes, Chinese with the English text below."""
    from core.messages import load_messages

    chinese, english = load_messages("zh"), load_messages("en")
    codes = sorted(key.removesuffix(".text") for key in chinese if re.fullmatch(r"HUB\d+\.text", key))
    lines = [
        "# 错误代码",
        "",
        "本页由 `scripts/errors_doc.py` 从 `core/messages` 生成。花括号是运行时填入的事实；其中从不含个人数据。",
    ]
    for digit, (title, then) in GROUPS.items():
        lines += ["", f"## HUB{digit}xx {title}", "", f"{then}。", "", "| 代码 | 说什么 | 怎么办 |", "|---|---|---|"]
        for code in codes:
            if code.startswith(f"HUB{digit}"):
                what, then_ = (_build_cell(chinese, english, code, part) for part in ("text", "next"))
                lines.append(f"| {code} | {what} | {then_} |")
    return "\n".join(lines) + "\n"


def _build_cell(chinese: dict[str, str], english: dict[str, str], code: str, part: str) -> str:
    pair = (messages[f"{code}.{part}"].replace("|", "\\|") for messages in (chinese, english))
    return "<br>".join(pair)


def main() -> int:
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
