"""Why a server cannot be reached or broke off, in words: its name, its port, its answer, what it says to the account.

Drivers wrap what the system told them in texts of their own, in the language of some machine. So after a failure to connect
the way is tried once more, up to the port and no further; what the server itself answered is known by its code. A message
under `reach` says each in both languages, and behind it stands in brackets the code, or else the address.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

Link = TypeVar("Link")
RETRY_SECONDS = 5
"""How long the second try waits; the first has waited longer."""
_CONNECT_MEANINGS: Mapping[str, Collection[str]] = {
    "login": {"28P01", "1045", "1698", "18452", "18456", "18486", "18487", "18488", "ORA-01017", "ORA-01005", "ORA-28000"}
    | {"ORA-28001", "invalidCredentials", "inappropriateAuthentication"},
    "method": {"1251", "2054", "2058", "2059", "authMethodNotSupported", "strongerAuthRequired", "DPY-3010", "DPY-3015"},
    "barred": {"28000", "1129", "1130", "3118", "ORA-01045", "DPY-6000", "ORA-12506"},
    "database": {"3D000", "1049", "4060", "4064", "ORA-12514", "ORA-12505", "ORA-12154", "DPY-6001", "DPY-6003"},
    "right": {"42501", "1044", "916", "insufficientAccessRights"},
    "full": {"53300", "1040", "1203", "1226", "10928", "10929", "ORA-00020", "ORA-00018", "ORA-12516", "ORA-12519"},
    "starting": {"57P01", "57P02", "57P03", "1053", "40613", "40197", "ORA-01033", "ORA-01089", "ORA-01034", "unavailable"},
    "tls": {"tls", "2026", "3159", "confidentialityRequired", "DPY-6006", "ORA-28040"},
    "locked": {"55P03", "40P01", "40001", "1205", "1213", "1222", "ORA-00054", "ORA-00060", "SQLITE_BUSY", "SQLITE_LOCKED"},
    "stopped": {"57014", "1317", "1927", "3024", "1969", "ORA-01013", "ORA-00028"},
    "room": {"53000", "53100", "53200", "1021", "1037", "1041", "ORA-01555"},
    "busy": {"busy", "adminLimitExceeded", "40501"},
    "silent": {"timeLimitExceeded", "20003", "DPY-4024", "DPY-4005", "LDAPResponseTimeoutError", "LDAPSocketReceiveError"}
    | {"ConnectionTimeout", "TimeoutError"},
    "file": {"SQLITE_CANTOPEN", "PermissionError", "FileNotFoundError", "NotADirectoryError", "IsADirectoryError"},
}
_BREAK_MEANINGS: Mapping[str, Collection[str]] = {
    **_CONNECT_MEANINGS,
    "cut": {"08000", "08003", "08006", "InterfaceError", "2006", "2013", "2055", "1152", "1158", "1159"}
    | {"1160", "1161", "20004", "20006", "20047", "ORA-03113", "ORA-03114", "ORA-03135", "ORA-01012", "DPY-4011", "DPY-1001"}
    | {"LDAPSessionTerminatedByServerError", "LDAPSocketSendError", "connectorx", "0"},
}

_REFUSAL_MEANINGS: Mapping[str, Collection[str]] = {
    "long": {"22001", "1406", "2628", "8152", "ORA-12899", "ORA-01401"},
    "empty": {"23502", "1048", "1364", "515", "ORA-01400", "ORA-01407"},
    "double": {"23505", "1062", "2601", "2627", "ORA-00001"},
    "parent": {"23503", "1451", "1452", "547", "ORA-02291", "ORA-02292"},
    "check": {"23514", "4025", "3819", "ORA-02290"},
    "letter": {"22P05", "22021", "1366"},
    "range": {"22003", "22008", "1264", "1292", "8115", "ORA-01438", "ORA-01426"},
    "forbidden": {"42501", "1142", "1143", "229", "230", "262", "ORA-01031", "ORA-00942"},
    "trigger": {"P0001", "1644", "3609", "ORA-04088"},
    "readonly": {"EROFS"},
    "folder": {"ENOENT", "ENOTDIR", "ENOTCONN", "ESTALE"},
    "denied": {"EACCES", "EPERM"},
    "named": {"EEXIST", "ENAMETOOLONG", "EINVAL", "EISDIR"},
    "room": {"EDQUOT", "EFBIG", "53100", "1114", "1021", "1105", "ORA-01653", "ORA-01536"},
}


@dataclass(frozen=True)
class Route:
    """The way to a server: host and port, or the file of a socket. Without either there is nothing to try."""

    host: str = ""
    port: int = 0
    door: str = ""

    def __str__(self) -> str:
        return self.door or (f"{self.host}:{self.port}" if self.host else "")

    def find_obstacle(self) -> str | None:
        """What is in the way, as the last word of a message under `reach`; None where something answers."""
        try:
            if self.door:
                with socket.socket(socket.AF_UNIX) as tried:
                    tried.settimeout(RETRY_SECONDS)
                    tried.connect(self.door)
            elif self.host:
                with socket.create_connection((self.host, self.port), RETRY_SECONDS):
                    pass
        except (socket.gaierror, UnicodeError):  # a name may be none at all
            return "host"
        except ConnectionRefusedError:
            return "refused"
        except FileNotFoundError:
            return "socket"
        except TimeoutError:
            return "silent"
        except OSError:
            return "route"
        return None


def connect_within(seconds: float, connect: Callable[[], Link]) -> Link:
    """What `connect` gives, for drivers that wait for ever for a server which takes a connection and says nothing.

    Raises:
        TimeoutError: it took longer; the thread that waits on ends with the process, at the latest.
    """
    done: Future[Link] = Future()

    def work() -> None:
        try:
            done.set_result(connect())
        except BaseException as error:  # handed on to who waits
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return done.result(seconds)


def explain_unreached(codes: Sequence[str], way: Route) -> dict[str, str]:
    """The facts of a connection that did not come about: what the server answered, or else what is in the way.

    Args:
        codes: what the driver calls it, most telling first.
    """
    reason = next((code for code in codes if any(sign.isdigit() for sign in code)), str(way) or codes[0])
    return _reason_facts(reason, _find_meaning(codes, _CONNECT_MEANINGS) or way.find_obstacle() or "other")


def explain_broken(codes: Sequence[str]) -> dict[str, str]:
    """The facts of a connection that broke off, or of a server that did not answer in time."""
    return _reason_facts(codes[0], _find_meaning(codes, _BREAK_MEANINGS) or "ended")


def explain_refusal(reason: str, code: str) -> dict[str, str]:
    """The facts of a delivery that a server did not take: in words where the code is one of those that everybody meets."""
    word = _find_meaning([code], _REFUSAL_MEANINGS)
    return _reason_facts(reason, word) if word else {"reason": reason}


def _find_meaning(codes: Sequence[str], meanings: Mapping[str, Collection[str]]) -> str | None:
    return next((word for code in codes for word, meant in meanings.items() if code in meant), None)


def _reason_facts(reason: str, word: str) -> dict[str, str]:
    return {"reason": reason, "reason_key": f"reach.{word}"}
