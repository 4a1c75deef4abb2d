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
    server = Postgres(port, folder, options)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


class Postgres:
    """A server whose files lie in a folder: started, stopped, killed, started again with the same data."""

    def __init__(self, port, folder, options=()):
        self.port, self.folder, self.options = port, Path(folder), options
        self.data, self.process = self.folder / "data", None

    @property
    def url(self):
        return f"{self._address()}/pages"

    def start(self):
        """Returns when it answers; a new one gets its database."""
        is_new = not self.data.exists()
        if is_new:
            self._make()
        self._run()
        for _ in range(600):
            try:
                with psycopg.connect(f"{self._address()}/postgres", autocommit=True) as connection:
                    if is_new:
                        connection.execute("CREATE DATABASE pages")
                    return
            except psycopg.OperationalError:
                time.sleep(0.1)  # it is starting
            if self.process.poll() is not None:  # of one that was killed, a process still ends
                self._run()
        raise SystemExit("PostgreSQL did not start.")

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait(60)

    def kill(self):
        """SIGKILL, as where the system is short of memory."""
        self.process.kill()
        self.process.wait()

    def _make(self):
        person, secret = _not_root(), self.folder / "password"
        self.folder.chmod(0o755)  # its parts have their own rights
        self.data.mkdir(mode=0o700)
        secret.write_text(secrets.token_urlsafe(12))
        if person:
            for path in (self.folder, self.data, secret):
                shutil.chown(path, person)
        command = [
            binaries() / "initdb", "-D", self.data, "-U", "bench", "--auth=scram-sha-256", f"--pwfile={secret}",
            "-E", "UTF8",
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=person, cwd=self.folder)

    def _run(self):
        self.process = subprocess.Popen(
            [binaries() / "postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={self.folder}", "-c", "shared_buffers=256MB",
             "-c", "logging_collector=off", *(part for option in self.options for part in ("-c", option))],
            user=_not_root(), cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _address(self):
        return f"postgres://bench:{(self.folder / 'password').read_text()}@127.0.0.1:{self.port}"


def _not_root():
    """A person to run the server as, where this is root: PostgreSQL refuses to run as root."""
    if os.getuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
