"""A large result of MySQL or MariaDB as a stream of Arrow batches, read by connectorx in a process of its own.

In a process of its own for three reasons: the library holds Python's lock while it waits for the server, so that nothing
else would move; it cannot give up a read half-way; and what it cannot decode ends the process it runs in. So the parent
asks only for bytes, reads the batches from a pipe, and believes in an end only when the process says so. The library reads
as fast as the server sends and keeps in memory, without a limit, what it has not handed over: the pipe must never be full
for long, so a spool stands behind it.
The child runs this file by itself, so only what it needs is imported at the top.
"""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    import pyarrow as pa

    from core.store.address import ConnectionAddress
    from extractors.databases.spool import Spool

_PIPE_BYTES = 1 << 20
_DIE_WITH_PARENT = 1
"""`PR_SET_PDEATHSIG` of Linux."""
_SET_PIPE_SIZE = 1031
"""`F_SETPIPE_SZ` of Linux, which `fcntl` does not name before Python 3.12."""


class StreamBroken(Exception):
    """The child ended without having given everything. It says nothing of why: the library's texts may quote values."""


@dataclass(frozen=True)
class Request:
    """What to read: statements that set up the session, one query, and how many rows make a batch."""

    address: ConnectionAddress
    before: Sequence[str]
    query: str
    batch_rows: int

    def encode_request(self) -> bytes:
        """The request as the child reads it from its standard input; a password is never an argument of a command."""
        given = self.address
        who = quote(given.user, safe="") + (f":{quote(given.password, safe='')}" if given.password else "")
        socket = given.options.get("unix_socket")
        options = f"?{urlencode({'socket': socket})}" if socket else ""
        url = f"mysql://{who}@{given.host or 'localhost'}:{given.port or 3306}/{quote(given.database, safe='')}{options}"
        return json.dumps(
            {"url": url, "before": list(self.before), "query": self.query, "batch_rows": self.batch_rows}
        ).encode()


def can_stream(address: ConnectionAddress) -> bool:
    """Whether this reader can be used for a connection: the library is there, and no encryption is demanded, since what it
    proves of a certificate is not what the URL's words mean."""
    import importlib.util

    return address.tls is None and importlib.util.find_spec("connectorx") is not None


@contextmanager
def open_stream(request: Request) -> Iterator[Iterator[pa.RecordBatch]]:
    """The batches as the library gives them, with a column of bytes for each of the query's.

    Leaving early ends the child, and with it its connection.

    Raises:
        Broken: while reading, when the child did not come to its end.
        OSError: while reading, when there is no room on the disk for what came ahead.
    """
    from core.settings import get_settings
    from extractors.databases.spool import Spool

    folder = get_settings().work
    folder.mkdir(parents=True, exist_ok=True)  # before there is a child that would have to be ended
    command = [sys.executable, "-P", str(Path(__file__).resolve())]
    child = subprocess.Popen(  # noqa: S603 - this very file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    source = _require_pipe(child.stdout)
    _widen_pipe(source)
    spool = Spool(source, folder)
    try:
        with closing(_require_pipe(child.stdin)) as sink:
            sink.write(request.encode_request())
        batches = _read_batches(child, spool)
        with closing(batches):
            yield batches
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        spool.close()
        source.close()


def _read_batches(child: subprocess.Popen[bytes], spool: Spool) -> Any:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.PythonFile(cast("Any", spool), "r")) as reader:
            yield from reader
    except (pa.ArrowInvalid, OSError):
        raise spool.problem or StreamBroken from None
    if child.wait():
        raise StreamBroken


def _require_pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None  # noqa: S101 - both ends were asked for
    return end


def _widen_pipe(source: IO[bytes]) -> None:
    """A wider pipe, where the system has such, so that the two processes wake each other less often."""
    import contextlib
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.fcntl(source.fileno(), _SET_PIPE_SIZE, _PIPE_BYTES)


def main() -> None:
    """The child: read what was asked and write it as an Arrow stream to the standard output."""
    # A parent that is killed takes this process along, even while it waits for its server.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    asked = json.load(sys.stdin)
    # As if it were not installed: nothing here asks for it, and to load it takes half of the start.
    sys.modules["numpy"] = cast("Any", None)

    import connectorx
    import pyarrow as pa

    rows: Any = connectorx.read_sql(
        asked["url"],
        asked["query"],
        return_type="arrow_stream",
        batch_size=asked["batch_rows"],
        pre_execution_query=asked["before"],
    )
    with pa.ipc.new_stream(pa.PythonFile(cast("Any", sys.stdout.buffer)), rows.schema) as sink:
        for batch in rows:
            sink.write_batch(batch)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
