"""The rows of an entity that are spread over files: a big one that nobody writes again, and what is to be left out or added.

Of a million rows a night holds a few and keeps a few from before. To write the million again without them would cost more
than everything that is done with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.engine import quote_literal


@dataclass(frozen=True)
class RowSet:
    """Rows by reference.

    Attributes:
        file: Parquet.
        without: Parquet with the column `position`: rows of `file`, counted from 0, that do not belong here. None: all do.
        plus: Parquet of rows that belong here as well, with the columns that are asked for.
    """

    file: Path
    without: Path | None = None
    plus: Path | None = None

    def query(self, columns: Iterable[str] = ("*",)) -> str:
        """A SELECT of the rows, for DuckDB, default with all their columns and `file_row_number`, the position of those in
        `file`. Their order says nothing."""
        names = ", ".join(columns)
        found = f"select {names} from {self._build_main_query()}"
        return f"{found} union all by name select {names} from read_parquet({quote_literal(self.plus)})" if self.plus else found

    def _build_main_query(self) -> str:
        main = f"read_parquet({quote_literal(self.file)}, file_row_number = true)"
        if not self.without:
            return main
        return f"{main} where file_row_number not in (select position from read_parquet({quote_literal(self.without)}))"

    @property
    def has_all_files(self) -> bool:
        """Whether no file was removed since."""
        return all(path.is_file() for path in (self.file, self.without, self.plus) if path)

    def facts(self) -> dict[str, str]:
        """The paths, as a step of the ledger keeps them."""
        paths = {"file": self.file, "without": self.without, "plus": self.plus}
        return {name: str(path) for name, path in paths.items() if path}


def restore_row_set(facts: Mapping[str, str]) -> RowSet:
    """What `Rows.facts` gave."""
    return RowSet(**{name: Path(path) for name, path in facts.items()})
