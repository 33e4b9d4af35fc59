"""Encrypted connections to sources and receivers: real servers behind a door that speaks TLS with a certificate of our own.

The embedded PostgreSQL and a rehearsal MariaDB listen on sockets without encryption, so the door ends the TLS session in
front of PostgreSQL; MariaDB is started with the certificate and speaks TLS itself.
"""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campus.servers import processes
from core.errors import MachineFault, Unavailable
from core.store import postgres
from core.store.address import ConnectionAddress, parse_url
from extractors.base import open_extractor
from loaders.base import open_target

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def certificate(folder: Path, name: str, host: str) -> tuple[Path, Path]:
    """A self-signed certificate for a host, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(host)] if host.isalpha() else [x509.IPAddress(ip_address(host))]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


@pytest.fixture(scope="module")
def authority(server_room: Path) -> Path:
    """The folder of `ours.pem` (127.0.0.1), `elsewhere.pem` (another host) and `strange.pem` (nobody's)."""
    folder = server_room / "authority"
    folder.mkdir(mode=0o755)
    for name, host in (("ours", "127.0.0.1"), ("elsewhere", "elsewhere"), ("strange", "127.0.0.1")):
        certificate(folder, name, host)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def door(request: pytest.FixtureRequest, server_room: Path, authority: Path) -> Iterator[Any]:
    """`door(certificate)`: the URL of a database behind TLS on 127.0.0.1 that shows this certificate."""
    with contextlib.ExitStack() as opened:
        if request.param == "mysql":
            yield lambda name: mariadb(server_room, authority, name, opened)
        else:
            server: str = request.getfixturevalue("postgres_server")
            url = postgres.ensure_database(server, "encrypted")
            yield lambda name: opened.enter_context(terminated(url, authority, name))


def mariadb(room: Path, authority: Path, name: str, opened: contextlib.ExitStack) -> str:
    folder, port = room / f"mariadb-{name}", free_port()
    if not folder.is_dir():
        pair = (f"--ssl-cert={authority / name}.pem", f"--ssl-key={authority / name}.key")
        url = processes.start_mariadb(folder, (*pair, "--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}"))
        opened.callback(processes.stop_server, folder)
        if url is None:
            pytest.fail("MariaDB is not installed", pytrace=False)
        inside = parse_url("x", processes.create_mariadb_database(url, "encrypted"))
        with (
            pymysql.connect(user=inside.user, unix_socket=inside.options["unix_socket"]) as link,
            link.cursor() as cursor,
        ):
            cursor.execute("create user outside@127.0.0.1 identified by 'word'")
            cursor.execute("grant all on encrypted.* to outside@127.0.0.1")
        (folder / "port").write_text(str(port))
    return f"mysql://outside:word@127.0.0.1:{(folder / 'port').read_text()}/encrypted"


@contextlib.contextmanager
def terminated(url: str, authority: Path, name: str) -> Iterator[str]:
    """A listener that answers PostgreSQL's request for encryption and hands the plain bytes to the server's socket."""
    path = next(Path(parse_url("x", url).options["host"]).glob(".s.PGSQL.*[0-9]"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / f"{name}.pem", authority / f"{name}.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if client.recv(8) != SSL_REQUEST:
                return
            client.sendall(b"S")
            with context.wrap_socket(client, server_side=True) as inside, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(path))
                back = threading.Thread(target=pour, args=(server, inside), daemon=True)
                back.start()
                pour(inside, server)
                back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    user = parse_url("x", url).user
    yield f"postgresql://{user}@127.0.0.1:{listener.getsockname()[1]}/encrypted"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def read(address: ConnectionAddress) -> list[str]:
    return open_extractor(address).list_tables()


def write(address: ConnectionAddress) -> bool:
    target: Any = open_target(address)
    try:
        return target._ensure_connected() is not None
    finally:
        target.close()


@pytest.mark.parametrize(
    "ask", ["ssl=required", "ssl_ca={}/ours.pem", "ssl_ca={}/ours.pem&ssl=verify_ca", "ssl_ca={}/ours.pem&ssl=required"]
)
def test_source_and_receiver_are_reached_encrypted(door: Any, authority: Path, ask: str) -> None:
    address = parse_url("src_x", f"{door('ours')}?{ask.format(authority)}")
    assert read(address) == []
    assert write(address)


def test_another_authoritys_certificate_is_refused(door: Any, authority: Path) -> None:
    address = parse_url("src_x", f"{door('ours')}?ssl_ca={authority}/strange.pem")
    assert_refused(address)


def test_a_certificate_of_another_host_is_refused_unless_the_url_says_so(door: Any, authority: Path) -> None:
    assert_refused(parse_url("src_x", f"{door('elsewhere')}?ssl_ca={authority}/elsewhere.pem"))
    assert read(parse_url("src_x", f"{door('elsewhere')}?ssl_ca={authority}/elsewhere.pem&ssl=verify_ca")) == []


def test_a_server_without_encryption_is_refused(postgres_server: str, mariadb_server: str) -> None:
    assert_refused(parse_url("src_x", f"{processes.create_mariadb_database(mariadb_server, 'plain')}&ssl=required"))
    path = next(Path(parse_url("x", postgres_server).options["host"]).glob(".s.PGSQL.*[0-9]"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as client, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(path))
                server.sendall(client.recv(8))
                client.sendall(server.recv(1))  # N: the server has no encryption

        threading.Thread(target=answer, daemon=True).start()
        assert_refused(parse_url("src_x", f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}/x?ssl=required"))


def assert_refused(address: ConnectionAddress) -> None:
    with pytest.raises(Unavailable) as error:
        read(address)
    assert error.value.code == "HUB202"


@pytest.mark.parametrize("ask", ["ssl=on", "ssl=verify_ca", "ssl_ca=/nowhere/ca.pem", "ssl_ca="])
@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_what_is_not_understood_is_never_taken_for_unencrypted(scheme: str, ask: str) -> None:
    address = parse_url("src_x", f"{scheme}://root@127.0.0.1:1/x?{ask}")
    for attempt in (read, write):
        with pytest.raises(MachineFault) as error:
            attempt(address)
        assert error.value.code == "HUB807"
        assert ask.split("=")[0] in error.value.line("en")
