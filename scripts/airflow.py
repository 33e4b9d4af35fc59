"""Airflow up and down: `python scripts/airflow.py up | down | status | cli ...`.

`up` leaves one detached keeper process behind. It holds the embedded PostgreSQL servers open (metadata and hub), starts
the four Airflow services and starts one again when it ends. `airflow standalone` is not used: it leaves children behind
when it is stopped and does not notice a service that does not answer.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import psutil
import services

from core.errors import HubError, MachineFault
from core.messages import translate
from core.process.privacy import restrict_permissions
from core.settings import ROOT
from core.store import embedded

READY_SECONDS = 300
GRACE_SECONDS = 60
PAUSE_SECONDS = 5


def main(arguments: list[str]) -> int:
    """Run a subcommand; an error is one line on standard error and exit code 1."""
    restrict_permissions()
    commands: dict[str, Callable[[], int]] = {
        "up": start_airflow,
        "down": stop_airflow,
        "status": print_status,
        "keep": run_keeper,
    }
    if arguments != ["keep"]:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if arguments[:1] == ["cli"]:
            return run_cli(arguments[1:])
        if len(arguments) == 1 and arguments[0] in commands:
            return commands[arguments[0]]()
    except HubError as error:
        print(error.line(), file=sys.stderr)
        return 1
    print((__doc__ or "").splitlines()[0], file=sys.stderr)
    return 2


def start_airflow() -> int:
    """Start everything unless it runs, wait until it is healthy, and say where it is."""
    if not services.AIRFLOW.is_file():
        raise MachineFault("HUB881", "airflow")
    if _find_keeper() is not None:
        print(translate("airflow.running", url=services.web_url()))
        return 0
    _end_leftovers()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", services.web_port())) == 0:
            raise MachineFault("HUB882", "airflow", port=services.web_port())
    print(translate("airflow.starting"), flush=True)
    first = not services.password_file().is_file()
    services.log_folder().mkdir(parents=True, exist_ok=True)
    try:
        with (services.log_folder() / "keeper.log").open("ab") as log:
            _spawn_process([sys.executable, __file__, "keep"], services.build_environment(), log, detached=True)
        _wait_until_ready()
        _print_introduction(first)
    except BaseException:  # an interrupt too, and a second one waits
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _end_leftovers()
        raise
    return 0


def stop_airflow() -> int:
    """Stop every process and the databases, and make sure that none is left, whatever the pid file says or if there is none.
    Running tasks get a minute."""
    ran = services.pid_file().is_file() or bool(_list_ours())
    left = _end_leftovers()
    if left:
        raise MachineFault("HUB884", "airflow", count=len(left), pids=", ".join(str(process.pid) for process in left))
    services.pid_file().unlink(missing_ok=True)
    print(translate("airflow.stopped" if ran else "airflow.not_running"))
    return 0


def print_status() -> int:
    """Print the health of every part; exit code 0 only when all are healthy."""
    if _find_keeper() is None:
        print(translate("airflow.not_running"))
        return 1
    health = _read_health()
    for name, state in health.items():
        print(translate("airflow.state", name=name, state=state))
    return 0 if set(health.values()) == {"healthy"} else 1


def run_cli(arguments: list[str]) -> int:
    """Airflow's own command line in the environment of the services."""
    return _spawn_process([services.AIRFLOW, *arguments], {**services.build_environment(), **services.start_databases()}).wait()


def run_keeper() -> int:
    """The keeper: hold the databases, migrate, and run the services until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    services.pid_file().write_text(f"{os.getpid()} {psutil.Process().create_time()}", "utf-8")
    environment = {**services.build_environment(), **services.start_databases()}
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        running["db"] = _start_service(["db", "migrate"], environment)
        if running["db"].wait():
            raise MachineFault("HUB885", "airflow", log=services.log_folder() / "db.log")
        del running["db"]
        while True:
            ended = [name for name in services.SERVICES if name not in running or running[name].poll() is not None]
            if ended:
                _kill_processes(_list_orphans())
            running |= {name: _start_service([name], environment) for name in ended}
            time.sleep(PAUSE_SECONDS)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ours = _list_ours()
        _end_processes([process for process in psutil.Process().children() if process in ours])


def _start_service(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (services.log_folder() / f"{command[0]}.log").open("ab") as log:
        return _spawn_process([services.AIRFLOW, *command], environment, log)


def _spawn_process(
    command: Sequence[str | Path], environment: dict[str, str], log: IO[bytes] | None = None, detached: bool = False
) -> subprocess.Popen[bytes]:
    """A process in the repository's root. The commands are our own; nothing from outside is run."""
    silent = subprocess.DEVNULL if log else None
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, stdin=silent, stdout=log, stderr=log, start_new_session=detached
    )


def _end_processes(roots: list[psutil.Process]) -> list[psutil.Process]:
    """Ask processes to end, give running tasks their time, kill what is left of their trees; returns what even so lives."""
    family = [*roots, *(child for root in roots for child in root.children(recursive=True))]
    for root in roots:
        _send_signal(root, signal.SIGTERM)
    return _kill_processes(psutil.wait_procs(family, timeout=GRACE_SECONDS)[1])


def _kill_processes(processes: list[psutil.Process]) -> list[psutil.Process]:
    for process in processes:
        _send_signal(process, signal.SIGKILL)
    return list(psutil.wait_procs(processes, timeout=PAUSE_SECONDS)[1])


def _send_signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _read_pid_file() -> tuple[int, float]:
    """The process id and start time of the last keeper, zeros when there was none."""
    if not services.pid_file().is_file():
        return 0, 0.0
    pid, started = services.pid_file().read_text("utf-8").split()
    return int(pid), float(started)


def _find_keeper() -> psutil.Process | None:
    """The keeper, if it runs: a process id alone may belong to somebody else by now, and its file may be lost."""
    pid, started = _read_pid_file()
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid) if pid else None
        if process is not None and process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return next((process for process in _list_ours() if process.cmdline()[-1:] == ["keep"]), None)


def _end_leftovers() -> list[psutil.Process]:
    """End the keeper, or what a killed one left behind, and the servers nobody else uses; returns what still lives."""
    keeper = _find_keeper()
    if keeper is not None:
        family = [keeper, *keeper.children(recursive=True)]
        _send_signal(keeper, signal.SIGTERM)
        psutil.wait_procs(family, timeout=GRACE_SECONDS + 2 * PAUSE_SECONDS)
    ours = _list_ours()
    left = _kill_processes(list({*ours, *(process for leader in _find_leaders(ours) for process in _list_session(leader))}))
    for folder in services.server_folders():
        embedded.stop_unused_server(folder)
    return left


def _find_leaders(ours: list[psutil.Process]) -> set[int]:
    """The sessions of keepers: that of the pid file and those in which services are. A leader that lives must be a keeper."""
    leaders = {_read_pid_file()[0]}
    for process in ours:
        with contextlib.suppress(ProcessLookupError):
            leaders.add(os.getsid(process.pid))
    return {leader for leader in leaders if not psutil.pid_exists(leader) or leader in {process.pid for process in ours}}


def _list_session(leader: int) -> list[psutil.Process]:
    """What is alive in the session of the keeper, orphans too. A kernel gives no session's number to a new process."""
    found = []
    for process in psutil.process_iter() if leader else ():
        try:
            if os.getsid(process.pid) == leader:
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def _list_ours() -> list[psutil.Process]:
    """The keeper and the services of this `var`, by where they print: they rewrite their commands and environments."""
    folder, found = str(services.log_folder().resolve()) + "/", []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            end = Path(f"/proc/{process.pid}/fd/1").readlink()
            if process.pid != os.getpid() and str(end).startswith(folder):
                found.append(process)
    return found


def _list_orphans() -> list[psutil.Process]:
    """What a killed service left behind in this session; its successor would work beside it."""
    own = psutil.Process()
    return list(set(_list_session(own.pid)) - {own, *own.children(recursive=True)})


def _wait_until_ready() -> None:
    """Until all parts are healthy. The execution API is built on first use, so it is asked once before any task does."""
    end = time.monotonic() + READY_SECONDS
    health = dict.fromkeys(services.SERVICES, "down")
    time.sleep(PAUSE_SECONDS)
    while set(health.values()) != {"healthy"}:
        if time.monotonic() > end or _find_keeper() is None:
            missing = ", ".join(name for name, state in health.items() if state != "healthy")
            raise MachineFault("HUB883", "airflow", seconds=READY_SECONDS, missing=missing, logs=services.log_folder())
        time.sleep(1)
        health = _read_health()
    _send_request("/execution/health")


def _print_introduction(first: bool) -> None:
    """Wait for the first parse, then print the address, the DAGs and how to log in. The password is shown once only."""
    password = json.loads(services.password_file().read_text("utf-8"))["admin"]
    token = _send_request("/auth/token", body={"username": "admin", "password": password})["access_token"]
    count, before = 0, -1
    while count == 0 or count != before:
        time.sleep(PAUSE_SECONDS)
        before, count = count, _send_request("/api/v2/dags?limit=1", token)["total_entries"]
    active = _send_request("/api/v2/dags?limit=1&paused=false", token)["total_entries"]
    print(translate("airflow.ready", url=services.web_url()))
    print(translate("airflow.dags", count=count, active=active))
    print(translate("airflow.password" if first else "airflow.password_file", password=password, file=services.password_file()))
    print(translate("airflow.next", python=sys.executable))


def _read_health() -> dict[str, str]:
    try:
        answer = _send_request("/api/v2/monitor/health")
    except (OSError, ValueError, http.client.HTTPException):
        return dict.fromkeys(services.SERVICES, "down")
    return {name: str(part.get("status") or "down") for name, part in answer.items()}


def _send_request(path: str, token: str = "", body: dict[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", services.web_port(), timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        return json.load(connection.getresponse())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
