"""Messages over real servers, SMTP and HTTP: once a day each, tried again when refused, nothing personal in them."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from datetime import date
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from reporting import notify
from reporting.daily_digest import DailyDigest

DAY = date(2026, 9, 14)
DIGEST = DailyDigest("hr", "公共数据库 2026-09-14 摘要:人事处", ("有 3 处数据被暂留", "期限 DL17 还有 1 天"))


class Mailbox:
    """A mail server that takes messages, or answers with `refusal` as long as it is set."""

    def __init__(self) -> None:
        self.refusal = ""
        self.tries = 0
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  the library's name
        self.tries += 1
        if self.refusal:
            return self.refusal
        mail = email.message_from_bytes(envelope.content)
        parts = [part.get_payload(decode=True).decode("utf-8") for part in mail.walk() if part.get_content_maintype() == "text"]
        self.mails.append((str(make_header(decode_header(mail["Subject"]))), "".join(parts)))
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setenv(
        "AIRFLOW_CONN_ALERT_HR", f"mailto://127.0.0.1:{port}/?from=hub@example.edu.cn&to=hr@example.edu.cn&mode=insecure"
    )
    monkeypatch.setattr(notify, "WAIT_SECONDS", 0.01)
    yield box
    server.stop()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A receiver that speaks like a webhook; what it was posted."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_IT", f"json://127.0.0.1:{server.server_port}/hook")
    yield posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_mail_arrives_once_a_day(university: Any, mailbox: Mailbox) -> None:
    first = notify.send_digests(university.ledger, [DIGEST], DAY)
    again = notify.send_digests(university.ledger, [DIGEST], DAY)
    assert [item.state for item in first + again] == ["sent", "before"]
    ((subject, body),) = mailbox.mails
    assert "人事处" in subject + body
    assert "DL17" in body and "3" in body
    assert [item.state for item in notify.send_digests(university.ledger, [DIGEST], date(2026, 9, 15))] == ["sent"]


@pytest.mark.parametrize("refusal", ["452 Insufficient storage", "552 Mailbox full"])
def test_a_full_mailbox_is_shown_and_tried_again_by_the_next_run(university: Any, mailbox: Mailbox, refusal: str) -> None:
    from reporting.status import list_alerts as shown

    mailbox.refusal = refusal
    (found,) = notify.send_digests(university.ledger, [DIGEST], DAY)
    assert (found.state, found.reason) == ("not_sent", refusal[:3])
    assert mailbox.tries == notify.TRIES
    error = notify.find_failure([found])
    assert error is not None and error.line("en").startswith("HUB737 alerts: 1 messages were not sent: hr.")
    (row,) = shown(university.ledger)
    assert (row["department"], row["state"], row["reason"]) == ("hr", "not_sent", refusal[:3])
    mailbox.refusal = ""
    (found,) = notify.send_digests(university.ledger, [DIGEST], DAY)
    assert found.state == "sent"
    assert shown(university.ledger)[0]["attempts"] == 2
    assert len(mailbox.mails) == 1


def test_a_webhook_gets_title_and_text(university: Any, webhook: list[dict[str, Any]]) -> None:
    (found,) = notify.send_digests(university.ledger, [DailyDigest("it", "夜间", ("一", "二"))], DAY)
    assert found.state == "sent"
    (posted,) = webhook
    assert posted["title"] == "夜间"
    assert "一" in posted["message"] and "二" in posted["message"]


def test_a_department_without_an_address_is_no_failure(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = notify.send_digests(university.ledger, [DailyDigest("library", "t", ("p",))], DAY)
    assert (found.state, notify.find_failure([found])) == ("no_address", None)


def test_a_wrong_or_dead_address_gives_a_word_and_never_the_address(
    university: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notify, "WAIT_SECONDS", 0.01)
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_HR", "nonsense://someone:secretword@127.0.0.1")
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_IT", "json://someone:secretword@127.0.0.1:9/x")
    found = notify.send_digests(university.ledger, [DIGEST, DailyDigest("it", "t", ("p",))], DAY)
    assert [(item.state, item.reason) for item in found] == [("not_sent", "address"), ("not_sent", "unreachable")]
    whole = "".join(capfd.readouterr()) + json.dumps(university.ledger.rows("select * from ops.alert"), default=str)
    assert "secretword" not in whole


def test_the_digest_tells_a_department_its_own_and_nothing_personal(university: Any) -> None:
    from contracts.catalog import load_catalog
    from reporting.daily_digest import build_digests

    (university.home / "schemas" / "flows" / "reminders.yaml").write_text(
        "reminders: {days_before: [7, 3, 1], due_soon_days: 7, watch_days: 30, realtime_minutes: 15}\n", "utf-8"
    )
    university.forget()
    assert university.night().problems == []
    assert build_digests(university.ledger, load_catalog(), [], DAY) == []
    university.department("update jzg set xm = null where gh in ('T0003', 'T0004')")
    university.department("update jzg set xb = '未知值' where gh = 'T0005'")
    university.department("update jzg set gxsj = clock_timestamp()::timestamp")
    university.night(2)
    owed = {
        "deadline": "DL17", "departments": ["hr"], "state": "missing", "days_left": -2, "due_on": DAY, "needed": 5, "found": 3,
        "not_yet": [], "recurring": False, "is_new": False, "text_zh": "一周内完成", "what": "done in a week",
    }  # fmt: skip
    other = {**owed, "departments": ["finance"], "deadline": "DL18"}
    quiet = {**owed, "deadline": "DL15", "state": "expected", "days_left": 5}
    daily = {**quiet, "recurring": True, "days_left": 3}
    for language, words in (("zh", "已过 2 天"), ("en", "2 days overdue")):
        department, technician = build_digests(university.ledger, load_catalog(), [owed, other, quiet, daily], DAY, language)
        assert (department.department, technician.department) == ("hr", "it")
        assert words in department.body and "hub held --system hr" in department.body
        assert "DL18" not in department.body and "DL15" not in department.body
        assert "DL18" in technician.body
        assert not any(value in department.body for value in ("T0003", "T0005", "未知值", "张"))
