"""A private directory (LDAP) for the rehearsal: the distribution's slapd, in one folder, on a port of this machine only.

It tells nothing to who does not know its password, which lies in the folder, closed to other users.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import ldap3
from ldap3.core.exceptions import LDAPException

from campus.servers.processes import find_process
from core.errors import MachineFault

BASE = "dc=campus,dc=test"
PEOPLE = f"ou=people,{BASE}"
BIND = f"cn=hub,{BASE}"
_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_FOLDERS = (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))
_START_SECONDS = 30
_CONFIGURATION = """\
{schemas}
modulepath {modules}
moduleload back_mdb
database mdb
maxsize 1073741824
suffix "{base}"
rootdn "{bind}"
rootpw {password}
access to * by * none
directory {folder}/data
index objectClass,uid,seeAlso eq
dbnosync
"""


def start_directory(folder: Path) -> str | None:
    """Start a directory on `folder` unless it runs there; its URL with the branch of people, or None without slapd.

    Raises:
        Fault: HUB806 when it does not start.
    """
    program, schemas = shutil.which("slapd"), next((path for path in _FOLDERS if path.is_dir()), None)
    if program is None or schemas is None:
        return None
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / "port").is_file():
        _choose_door(folder)
    port, password = int((folder / "port").read_text()), (folder / "password").read_text()
    if not _is_answering(port):
        _write_configuration(folder, schemas, password)
        command = [program, "-f", str(folder / "slapd.conf"), "-h", f"ldap://127.0.0.1:{port}/"]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
        deadline = time.monotonic() + _START_SECONDS
        while not _is_answering(port):
            if done.returncode or time.monotonic() > deadline:
                _write_reason(program, folder)
                raise MachineFault("HUB806", folder.name, log=str(folder / "slapd.log"))
            time.sleep(0.05)
    _create_branches(port, password)
    return f"ldap://{quote(BIND, safe='')}:{password}@127.0.0.1:{port}/{PEOPLE}"


def stop_directory(folder: Path) -> None:
    """Stop the directory on `folder`, if it runs; the entries stay."""
    command = ("slapd", str(folder.resolve() / "slapd.conf"))
    if (pid := find_process(*command)) is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _START_SECONDS
    while find_process(*command) is not None and time.monotonic() < deadline:
        time.sleep(0.05)


def _choose_door(folder: Path) -> None:
    """A password and a port for good, since both stand in the connections that are made of them."""
    for name in ("slapd.conf", "password"):
        (folder / name).touch(0o600)
    (folder / "password").write_text(secrets.token_hex(16))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (folder / "port").write_text(str(free.getsockname()[1]))


def _write_reason(program: str, folder: Path) -> None:
    """Why the server does not start, which it says itself only when it is asked to look at its configuration."""
    command = [program, "-T", "test", "-d", "1", "-f", str(folder / "slapd.conf")]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    (folder / "slapd.log").write_bytes(done.stderr or done.stdout)


def _write_configuration(folder: Path, schemas: Path, password: str) -> None:
    """Anew for every start: the folder, the program's schemas and ours may lie elsewhere since."""
    (folder / "data").mkdir(exist_ok=True)
    files = [*(schemas / f"{name}.schema" for name in _SCHEMAS), Path(__file__).with_name("eduperson.schema")]
    modules = next((path for path in (Path("/usr/lib/ldap"), Path("/usr/lib64/openldap")) if path.is_dir()), Path("/usr/lib"))
    text = _CONFIGURATION.format(
        schemas="\n".join(f"include {file}" for file in files),
        modules=modules,
        folder=folder,
        base=BASE,
        bind=BIND,
        password=password,
    )
    (folder / "slapd.conf").write_text(text)


def _is_answering(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _create_branches(port: int, password: str) -> None:
    """The root and the branch of people, where they are missing."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        server = ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE)
        link = ldap3.Connection(server, BIND, password)
        try:
            if link.bind():
                link.add(BASE, ["dcObject", "organization"], {"dc": "campus", "o": "campus"})
                link.add(PEOPLE, ["organizationalUnit"], {"ou": "people"})
                link.unbind()
                return
        except LDAPException:
            pass
        if link.socket is not None:  # the library leaves it open when nobody answers
            link.socket.close()
        if time.monotonic() > deadline:
            raise MachineFault("HUB806", "directory", log="slapd.conf")
        time.sleep(0.1)
