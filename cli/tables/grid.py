"""Text for a terminal of any width: a key or a number is never cut, and nothing is wider than the terminal.

A `Grid` stands as a table where its columns have room side by side, and else a block a row. Lines end at blanks and
between Chinese characters; a word that alone is wider than the terminal (the path of a file) stands whole on its own line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 2
_COMFORT = 14
"""Cells that a column of text has at least, when it has as much to say."""
_HEAD = 8
"""Cells of a title that stay on one line."""
_CLOSING = "，。；：、！？）》”’…,.;:!?)]】"
_OPENING = "（《“‘([【"
_WIDE_CHARACTERS = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")


_PATH = re.compile(r"(?<![^\s：:（(])/[^\s/]+/[^\s，。；：！？）]*")
"""The path of a file, which a person copies."""


def find_line_breaks(line: str) -> list[int]:
    """Where a line may end: after blanks and beside Chinese characters, but not between a number and what it counts, nor
    before a closing or after an opening sign, nor within the path of a file."""
    within = {at for path in _PATH.finditer(line) for at in range(path.start() + 1, path.end())}
    return [at for at in range(1, len(line)) if at not in within and _can_end(line, at)]


def _can_end(line: str, at: int) -> bool:
    left, right = line[at - 1], line[at]
    if right == " " or (left != " " and (right in _CLOSING or left in _OPENING)):
        return False
    if left == " ":
        before = line[:at].rstrip()[-1:]
        counted = before.isdigit() and (right.isdigit() or _WIDE_CHARACTERS.match(right))
        return not counted and not (before.isupper() and right.isdigit())
    if not (_WIDE_CHARACTERS.match(left) or _WIDE_CHARACTERS.match(right)):
        return False
    return not left.isdigit()


def wrap_text(text: Text, width: int) -> list[Text]:
    """The lines of a text, none wider than `width` cells unless one word is."""
    lines: list[Text] = []
    for part in text.split("\n", allow_blank=True):
        ends: list[int] = []
        start = last = 0
        for at in [*find_line_breaks(part.plain), len(part.plain)]:
            if cell_len(part.plain[start:at].rstrip()) > width and last > start:
                ends.append(last)
                start = last
            last = at
        for line in part.divide(ends):
            line.rstrip()
            lines.append(line)
    return lines


def _measure_longest(text: Text) -> int:
    """Cells of the widest piece that a text cannot be broken within."""
    widest = 0
    for line in text.plain.split("\n"):
        bounds = [0, *find_line_breaks(line), len(line)]
        pieces = (line[start:end].rstrip() for start, end in itertools.pairwise(bounds))
        widest = max([widest, *map(cell_len, pieces)])
    return widest


def _measure_natural(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


class Prose:
    """A paragraph; the lines after the first are indented by `hang` cells."""

    def __init__(self, text: str | Text, style: str = "", hang: int = 0) -> None:
        self.text = Text(text, style=style) if isinstance(text, str) else text
        self.hang = hang

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for number, line in enumerate(wrap_text(self.text, options.max_width - self.hang)):
            yield _prevent_wrap(Text(" " * self.hang).append_text(line) if number else line)


@dataclass(frozen=True)
class _Column:
    head: Text
    right: bool
    whole: bool


class Grid:
    """Rows under titles. Cells are plain text or `rich` text; markup is not read, since rows are data."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.columns: list[_Column] = []
        self.rows: list[list[Text]] = []

    def column(self, head: str, *, right: bool = False, whole: bool = False) -> None:
        """One more column: `right` for numbers, `whole` for what is never broken (numbers are not either)."""
        self.columns.append(_Column(Text(head, style="bold"), right, whole or right))

    def row(self, *cells: str | Text) -> None:
        """One more row, a cell for each column."""
        self.rows.append([Text(cell) if isinstance(cell, str) else cell for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width = options.max_width
        if self.title:
            yield from map(_prevent_wrap, wrap_text(Text(self.title, style="italic"), width))
        if not self.rows:
            yield Text("-", style="dim")
            return
        widths = self._measure_widths(width)
        yield from map(_prevent_wrap, self._blocks(width) if widths is None else self._render_lines(widths))

    def _measure_widths(self, width: int) -> list[int] | None:
        """The cells of each column side by side, None when there is no room."""
        least, most = [], []
        for number, column in enumerate(self.columns):
            cells = [row[number] for row in self.rows]
            wish = max(_measure_natural(cell) for cell in [column.head, *cells])
            broken = max(_measure_longest(cell) for cell in [column.head, *cells])
            head = max(_measure_longest(column.head), min(_measure_natural(column.head), _HEAD))
            fixed = max([head, *(_measure_natural(cell) for cell in cells)])
            least.append(fixed if column.whole else max(broken, head, min(wish, _COMFORT)))
            most.append(max(wish, least[-1]))
        spare = width - _GAP * (len(least) - 1) - sum(least)
        if spare < 0:
            return None
        while spare and least != most:
            narrow = min((cells for cells, wish in zip(least, most, strict=True) if cells < wish))
            for number in [n for n, cells in enumerate(least) if cells == narrow and cells < most[n]]:
                if spare:
                    least[number], spare = least[number] + 1, spare - 1
        return least

    def fits(self, width: int) -> bool:
        """Whether the columns have room side by side."""
        return self._measure_widths(width) is not None

    def _render_lines(self, widths: Sequence[int]) -> Iterator[Text]:
        if any(column.head.plain for column in self.columns):
            yield from self._render_line([column.head for column in self.columns], widths)
            yield Text("─" * (sum(widths) + _GAP * (len(widths) - 1)), style="dim")
        for row in self.rows:
            yield from self._render_line(row, widths)

    def _render_line(self, cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
        parts = [wrap_text(cell, cells_wide) for cell, cells_wide in zip(cells, widths, strict=True)]
        for number in range(max(map(len, parts))):
            line = Text()
            for column, part, cells_wide in zip(self.columns, parts, widths, strict=True):
                piece = part[number] if number < len(part) else Text()
                blank = " " * (cells_wide - cell_len(piece.plain))
                line.append_text(Text(blank).append_text(piece) if column.right else piece.copy().append(blank))
                line.append(" " * _GAP)
            line.rstrip()
            yield line

    def _blocks(self, width: int) -> Iterator[Text]:
        """A block a row: the first cell, then every other after its title, as many on a line as there is room for."""
        for row in self.rows:
            yield from wrap_text(Text.assemble(row[0], style="bold"), width)
            pairs = [
                Text.assemble((column.head.plain, "dim"), " ", _join_lines(cell))
                for column, cell in zip(self.columns[1:], row[1:], strict=True)
                if cell.plain not in ("", "-")
            ]
            yield from _fill_lines(pairs, width)


class Items:
    """Words after a short head, as many on a line as there is room for; no word is broken."""

    def __init__(self, head: str, words: Sequence[str]) -> None:
        self.head, self.words = head, words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = f"  {self.head}"
        for word in self.words:
            if cell_len(line) + 2 + cell_len(word) > options.max_width:
                yield _prevent_wrap(Text(line))
                line = "  "
            line += f"  {word}"
        yield _prevent_wrap(Text(line))


def _join_lines(cell: Text) -> Text:
    return Text("  ").join(cell.split("\n"))


def _fill_lines(pairs: Iterable[Text], width: int) -> Iterator[Text]:
    line = Text()
    for pair in pairs:
        if line.plain and cell_len(line.plain) + 3 + cell_len(pair.plain) <= width:
            line.append("   ").append_text(pair)
            continue
        if line.plain:
            yield line
        first, *rest = wrap_text(pair, width - 2)
        for number, more in enumerate([first, *rest]):
            line = Text("    " if number and cell_len(more.plain) + 4 <= width else "  ").append_text(more)
            if number < len(rest):
                yield line
    if line.plain:
        yield line


def _prevent_wrap(line: Text) -> Text:
    line.no_wrap, line.overflow = True, "ignore"
    return line
