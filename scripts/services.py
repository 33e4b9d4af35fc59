"""How the Airflow services are run here: their environment, their secrets, their databases and their files.

Secrets are made once, kept under `var/secrets/` for their owner only, and reach the services by environment. Everything
that a person has set in the environment wins, except what must agree with this module.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from pathlib import Path

from core.settings import ROOT, get_settings
from core.store import accounts, postgres
from core.store.ledger import open_ledger

SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
AIRFLOW_ROLES = {"technician": "op", "auditor": "viewer"}
"""Role of an account -> role of the user of the same name in Airflow."""
AIRFLOW = Path(sys.executable).with_name("airflow")


def web_port() -> int:
    """The port of the web page and the API: `HUB_AIRFLOW_PORT`, default 8080. The next two serve logs."""
    return int(os.environ.get("HUB_AIRFLOW_PORT", "8080"))


def web_url() -> str:
    return os.environ.get("AIRFLOW__API__BASE_URL", f"http://127.0.0.1:{web_port()}")


def log_folder() -> Path:
    return get_settings().var / "airflow" / "logs"


def pid_file() -> Path:
    return get_settings().var / "airflow" / "keeper.pid"


def server_folders() -> tuple[Path, Path]:
    """The folders of the embedded servers: Airflow's metadata and the hub."""
    return get_settings().var / "airflow" / "postgres", get_settings().var / "hub" / "postgres"


def password_file() -> Path:
    """The file with the passwords of Airflow's users: `admin` and who has an account of the hub."""
    return get_settings().var / "secrets" / "airflow-passwords.json"


def start_databases() -> dict[str, str]:
    """The metadata database and the hub as URLs; the embedded servers are started and belong to this process.

    Tasks get the hub's URL, so that none of them starts a server of its own and leaves it behind. Who may open the page goes
    along, since the accounts are in the hub.
    """
    metadata = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    if not metadata:
        server = postgres.start_embedded(server_folders()[0])
        metadata = postgres.ensure_database(server, "airflow").replace("://", "+psycopg://", 1)
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata, "HUB_URL": postgres.get_hub_url(), **_users()}


def _users() -> dict[str, str]:
    """Airflow's users, named as the accounts of the hub are: a technician may answer questions there, an auditor may look. The
    first user, `admin`, keeps the machine; his answers count for nothing, unless an account of the hub is called so.

    Each gets a password of its own, that of the demonstration where there is one.
    """
    if os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"):
        return {}
    book = open_ledger()
    rows = book.rows(
        "select name, role from ops.account where is_enabled and role = any(%s) order by name", [list(AIRFLOW_ROLES)]
    )
    book.close()
    known = json.loads(password_file().read_text("utf-8"))
    shown = accounts.read_demo_passwords()
    own = {row["name"]: shown.get(row["name"]) or known.get(row["name"]) or secrets.token_urlsafe(12) for row in rows}
    if {**known, **own} != known:
        _write_secret(password_file(), json.dumps({**known, **own}))
    users = ["admin:admin", *(f"{row['name']}:{AIRFLOW_ROLES[row['role']]}" for row in rows if row["name"] != "admin")]
    return {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(users)}


def build_environment() -> dict[str, str]:
    """What the services need beyond `airflow.cfg`, without the databases."""
    connections = get_settings().secrets_file.resolve()
    if not connections.is_file():
        _write_secret(connections, "{}\n")
    if not password_file().is_file():
        _write_secret(password_file(), json.dumps({"admin": secrets.token_urlsafe(12)}))
    defaults = {
        "AIRFLOW__API__BASE_URL": web_url(),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(web_port() + 1),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(web_port() + 2),
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(connections)}),
        **_read_keys(),
    }
    fixed = {
        "AIRFLOW_HOME": str(ROOT),
        "AIRFLOW__API__PORT": str(web_port()),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{web_port()}/execution/",
        "HUB_HOME": str(get_settings().home.resolve()),
        "HUB_VAR": str(get_settings().var.resolve()),
        "HUB_SECRETS": str(connections),
    }
    return {**defaults, **os.environ, **fixed}


def _read_keys() -> dict[str, str]:
    """The keys that all services must share; with keys of their own each would refuse the others' tokens."""
    file = get_settings().var / "secrets" / "airflow.env"
    if not file.is_file():
        keys = {
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        _write_secret(file, "".join(f"{name}={value}\n" for name, value in keys.items()))
    pairs = (line.partition("=") for line in file.read_text("utf-8").splitlines())
    return {name: value for name, _, value in pairs}


def _write_secret(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
