"""The services of Airflow: interrupted while they start, or with their keeper killed, they leave no process."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from left_behind import left, marked
from signing import have

from contracts.catalog import read_catalog
from core.settings import ROOT, get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.ledger import open_ledger

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)

ASK_AIRFLOW = """
import json
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager as Manager
print(json.dumps([[[user.username, user.role] for user in Manager.get_users()], Manager.get_passwords()]))
"""
"""In a process of its own: what Airflow reads of its settings when it is first imported stays with the process."""
SERVICES = [sys.executable, "-W", "ignore", str(ROOT / "scripts" / "airflow.py")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_services_that_are_interrupted_or_killed_leave_no_process(server_room: Path) -> None:
    var = server_room / "services"
    logs = var / "airflow" / "logs"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"HUB_VAR": str(var), "HUB_AIRFLOW_PORT": str(free_port())}

    def starting(log: str) -> subprocess.Popen[bytes]:
        """`make up`, as far as something writes into this log."""
        before = (logs / log).stat().st_size if (logs / log).exists() else -1
        nowhere = subprocess.DEVNULL
        up = subprocess.Popen([*SERVICES, "up"], env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)
        deadline = time.monotonic() + 200
        while not (logs / log).exists() or (logs / log).stat().st_size <= before:
            assert up.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return up

    for log, number in (("db.log", signal.SIGINT), ("scheduler.log", signal.SIGTERM)):
        up = starting(log)
        os.killpg(up.pid, number)
        assert up.wait(120) != 0
        assert left("HUB_VAR", str(var)) == [], log

    up = starting("scheduler.log")
    keeper = var / "airflow" / "keeper.pid"
    os.kill(int(keeper.read_text("utf-8").split()[0]), signal.SIGKILL)
    up.kill()
    up.wait()
    keeper.unlink()
    assert marked("HUB_VAR", str(var))
    assert subprocess.run([*SERVICES, "down"], env=environment, check=False).returncode == 0
    assert left("HUB_VAR", str(var)) == []


def test_who_has_an_account_is_a_user_of_airflow_by_the_same_name(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("HUB_URL", postgres.ensure_database(postgres_server, "airflow_users"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite://")
    for cached in CACHES:
        cached.cache_clear()
    # by its file: beside it lies a script that is called as Airflow itself is
    spec = importlib.util.spec_from_file_location("services", ROOT / "scripts" / "services.py")
    assert spec is not None and spec.loader is not None
    services = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(services)
    services.build_environment()
    assert services.start_databases()["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin"
    for name, role, facts in (
        ("王工", "technician", {}),
        ("审计员", "auditor", {}),
        ("周", "department", {"systems": ("hr",)}),
    ):
        have(name, role, **facts)
    users = services.start_databases()["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert set(users.split(",")) == {"admin:admin", "王工:op", "审计员:viewer"}
    given = json.loads(services.password_file().read_text("utf-8"))
    assert set(given) == {"admin", "王工", "审计员"} and len(set(given.values())) == 3
    assert stat.S_IMODE(services.password_file().stat().st_mode) == 0o600
    services.start_databases()
    assert json.loads(services.password_file().read_text("utf-8")) == given  # a password stays
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", users)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(services.password_file()))
    asked = subprocess.run([sys.executable, "-W", "ignore", "-c", ASK_AIRFLOW], capture_output=True, text=True, check=True)
    known, passwords = json.loads(asked.stdout.splitlines()[-1])
    assert {tuple(user) for user in known} >= {("王工", "op"), ("审计员", "viewer")}
    assert passwords == given
    open_ledger().close()
    for cached in CACHES:
        cached.cache_clear()
