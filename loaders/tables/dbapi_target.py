"""What table targets share that speak through one connection of a Python driver: open it on first use, one transaction on it at
a time, statements with bound values, large results as Arrow batches."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from core.errors import HubError
from core.settings import get_settings
from core.store.address import ConnectionAddress
from loaders.tables.table import TableTarget


class DbapiTarget(TableTarget):
    """A family names its driver's errors and gives `connect`, `executed` and `ours`."""

    failures: ClassVar[tuple[type[Exception], ...]]
    """What the driver raises."""

    def __init__(self, connection: ConnectionAddress) -> None:
        super().__init__(connection)
        self._link: Any = None

    @abstractmethod
    def connect(self) -> Any:
        """A new connection, with its session set up."""

    @abstractmethod
    def execute_statement(self, cursor: Any, statement: str, values: Sequence[object]) -> None:
        """Run a statement, as the handover writes it, on a cursor."""

    @abstractmethod
    def translate_error(self, error: Exception, where: str) -> HubError:
        """A driver's error in the house's words, without its text: that shows values of the row."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, so that an error is not one of making it."""
        return self._link is not None

    def begin(self, link: Any) -> None:
        """Begin a transaction, where the driver does not do so by itself."""

    @contextlib.contextmanager
    def transaction(self, where: str) -> Iterator[None]:
        try:
            link = self._ensure_connected()
            self.begin(link)
            yield
            link.commit()
        except self.failures as error:
            told = self.translate_error(error, where)
            self.disconnect()
            raise told from None
        except BaseException:
            self.disconnect()
            raise

    def _ensure_connected(self) -> Any:
        """The open connection."""
        if self._link is None:
            self._link = self.connect()
        return self._link

    def disconnect(self) -> None:
        """Close, which rolls back what is open. Nothing is asked of the server: it may be in the middle of an answer."""
        if self._link:
            with contextlib.suppress(*self.failures):
                self._link.close()
            self._link = None

    def run(self, statement: str, *values: object) -> int:
        with self._ensure_connected().cursor() as cursor:
            self.execute_statement(cursor, statement, values)
            return int(cursor.rowcount)

    def read_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._ensure_connected().cursor() as cursor:
            self.execute_statement(cursor, statement, values)
            return list(cursor.fetchall())

    def open_unbuffered(self) -> contextlib.AbstractContextManager[Any]:
        """A cursor that does not hold its whole result."""
        cursor: contextlib.AbstractContextManager[Any] = self._ensure_connected().cursor()
        return cursor

    @contextlib.contextmanager
    def stream_rows(self, query: str, schema: pa.Schema, folder: Path, *values: object) -> Iterator[pa.RecordBatchReader]:
        with self.open_unbuffered() as cursor:
            self.execute_statement(cursor, query, values)

            def batches() -> Iterator[pa.RecordBatch]:
                while block := cursor.fetchmany(get_settings().batch_rows):
                    columns = zip(zip(*block, strict=True), schema, strict=True)
                    yield pa.record_batch([pa.array(column, field.type) for column, field in columns], schema=schema)

            yield pa.RecordBatchReader.from_batches(schema, batches())
