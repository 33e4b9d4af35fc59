"""What stands in the way of a server is said in words, in both languages, whatever its family."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import HubError, Unavailable
from core.messages import translate
from core.store import reach
from core.store.address import parse_url
from extractors.base import open_extractor
from loaders.base import open_target
from loaders.tables.table import TableTarget

FAMILIES = ("postgresql", "mysql", "mssql", "oracle")


@pytest.fixture
def mute() -> Iterator[int]:
    """A port at which something takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


def source_error(url: str) -> HubError:
    with pytest.raises(HubError) as error:
        open_extractor(parse_url("src_x", url)).list_tables()
    return error.value


def target_error(url: str) -> HubError:
    target = open_target(parse_url("dst_x", url))
    assert isinstance(target, TableTarget)
    with pytest.raises(HubError) as error, target.transaction("E01.x"):
        pass
    return error.value


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("host", "word"), [("127.0.0.1:9", "refused"), ("no-such-host.invalid:1234", "host")])
def test_an_address_that_leads_nowhere_is_told_in_words(family: str, host: str, word: str) -> None:
    url = f"{family}://nobody:secret@{host}/db"
    for error in (source_error(url), target_error(url)):
        assert isinstance(error, Unavailable)
        assert error.facts["reason_key"] == f"reach.{word}"
        for language in ("zh", "en"):
            said = error.line(language)
            assert translate(f"reach.{word}", language, reason="").split("(")[0].split("（")[0].strip() in said
            assert "Error" not in said and "secret" not in said


@pytest.mark.parametrize("family", ("postgresql", "mysql", "mssql"))
def test_who_answers_and_says_nothing_does_not_keep_anybody(family: str, mute: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("loaders.mysql", "loaders.postgresql", "loaders.mssql"):
        monkeypatch.setattr(f"{module}.CONNECT_SECONDS", 2)
    began = time.monotonic()
    error = target_error(f"{family}://nobody:secret@127.0.0.1:{mute}/db")
    assert time.monotonic() - began < 20
    assert error.facts["reason_key"] in ("reach.silent", "reach.other")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("18456", "login"),
        ("4060", "database"),
        ("ORA-01017", "login"),
        ("ORA-12514", "database"),
        ("1045", "login"),
        ("1049", "database"),
        ("1040", "full"),
        ("invalidCredentials", "login"),
        ("57P03", "starting"),
        ("2026", "tls"),
    ],
)
def test_what_a_server_answers_is_known_by_its_code(code: str, word: str) -> None:
    assert reach.explain_unreached([code], reach.Route("127.0.0.1", 9))["reason_key"] == f"reach.{word}"


def test_a_driver_without_a_limit_of_its_own_gets_one() -> None:
    for_ever = threading.Event()
    with pytest.raises(TimeoutError):
        reach.connect_within(0.1, for_ever.wait)
    for_ever.set()
    assert reach.connect_within(5, lambda: "link") == "link"
    with pytest.raises(ZeroDivisionError):
        reach.connect_within(5, lambda: 1 // 0)


def test_the_file_of_a_socket_may_be_missing_or_left_behind(tmp_path: Path) -> None:
    door = tmp_path / "s"
    assert reach.Route(door=str(door)).find_obstacle() == "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(door))
    assert reach.Route(door=str(door)).find_obstacle() == "refused"


def test_every_word_stands_in_both_languages() -> None:
    tables = (reach._CONNECT_MEANINGS, reach._BREAK_MEANINGS, reach._REFUSAL_MEANINGS)
    for word in {word for table in tables for word in table} | {
        "host",
        "refused",
        "silent",
        "route",
        "socket",
        "other",
        "ended",
    }:
        assert {"1045" in translate(f"reach.{word}", language, reason="1045") for language in ("zh", "en")} == {True}
