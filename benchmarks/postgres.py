"""A PostgreSQL server of one's own for a benchmark: in a folder that goes with it, on loopback, ended by its pid."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")


def binaries():
    """The folder with initdb and postgres, the newest version's, or None."""
    found = [Path("/").glob(place[1:]) for place in PLACES]
    folders = [Path(path).parent for path in [shutil.which("initdb")] if path] + sorted(
        (folder for many in found for folder in many), reverse=True
    )
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def running_postgres(port, folder=None, options=()):
    """A server on loopback with a database; yields its DATABASE_URL, and stops the server.

    `options` are further settings of the server as `name=value`.

    Its files go with it; in a `folder` that is given they stay, and the next server there has the same database.
    """
    kept = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="bench-pg-"))
    kept.mkdir(parents=True, exist_ok=True)
    try:
        with _server(port, kept, options) as address:
            yield address
    finally:
        if not folder:
            shutil.rmtree(kept)


@contextmanager
def _server(port, folder, options):
    tools, person, data, secret = binaries(), _not_root(), folder / "data", folder / "password"
    folder.chmod(0o755)  # its parts have their own rights
    is_new = not data.exists()
    if is_new:
        data.mkdir(mode=0o700)
        secret.write_text(secrets.token_urlsafe(12))
        if person:
            for path in (folder, data, secret):
                shutil.chown(path, person)
        command = [
            tools / "initdb",
            "-D",
            data,
            "-U",
            "bench",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=person, cwd=folder)
    server = subprocess.Popen(
        [tools / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
         "-c", f"unix_socket_directories={folder}", "-c", "shared_buffers=256MB", "-c", "logging_collector=off",
         *(part for option in options for part in ("-c", option))],
        user=person, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"postgres://bench:{secret.read_text()}@127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/postgres", is_new)
        yield f"{address}/pages"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown
        server.wait(60)


def _not_root():
    """A person to run the server as, where this is root: PostgreSQL refuses to run as root."""
    if os.getuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait_for(address, is_new):
    """Wait until the server answers; a new one gets its database."""
    for _ in range(100):
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                if is_new:
                    connection.execute("CREATE DATABASE pages")
                return
        except psycopg.OperationalError:
            time.sleep(0.1)  # it is starting
    raise SystemExit("PostgreSQL did not start.")
