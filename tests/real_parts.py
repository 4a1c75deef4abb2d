"""Run a command beside a PostgreSQL and an S3 server of its own: `python -m tests.real_parts pytest apps/core`.

Both servers run on loopback, on free ports, in a folder that goes with them, and end with the command, however it ends.
The tests learn of them by TEST_DATABASE_URL and TEST_S3_* (see tests/environment.py).
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from benchmarks.postgres import binaries, running_postgres
from yolotrainer.supervisor import valkey_command

START_SECONDS = 90
PORTS = range(12_000, 22_000)  # they, and those 10,000 above, lie below the ones that systems hand out by themselves


def main(command):
    """Start the servers, run `command` with their addresses, stop them; returns the command's exit code."""
    if binaries() is None:
        sys.exit("There is no PostgreSQL server here. On Debian: apt-get install postgresql")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as running:
        (port,) = free_ports(1)
        environment = {"TEST_DATABASE_URL": running.enter_context(running_postgres(port, options=FORGETFUL))}
        environment |= running.enter_context(running_s3())
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


# A test's database need not outlive a power cut: no waiting for the disk.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def free_ports(count, also=0):
    """`count` ports of loopback that nothing listens on; those `also` above each are free too (0: none are asked)."""
    found = []
    while len(found) < count:
        port = secrets.choice(PORTS)
        if port not in found and _is_free(port) and (not also or _is_free(port + also)):
            found.append(port)
    return found


def _is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def running_s3():
    """A SeaweedFS with an S3 door on loopback; yields TEST_S3_* with its address and keys. Buckets come by use."""
    folder = Path(tempfile.mkdtemp(prefix="test-s3-"))
    server = None
    try:
        access, secret = secrets.token_hex(10), secrets.token_hex(20)
        person = {"name": "tests", "credentials": [{"accessKey": access, "secretKey": secret}], "actions": ["Admin"]}
        (folder / "people.json").write_text(json.dumps({"identities": [person]}))
        master, volume, filer, s3 = free_ports(4, also=10_000)  # each has a second port for its own kind, 10,000 above
        env = os.environ | {"TMPDIR": str(folder)}  # where it leaves sockets of its own
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                s3_command(folder, master, volume, filer, s3), cwd=folder, stdout=log, stderr=log, env=env
            )
        _wait_for(f"http://127.0.0.1:{s3}/healthz", server, folder / "log")
        yield {
            "TEST_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3}",
            "TEST_S3_REGION": "us-east-1",
            "TEST_S3_ACCESS_KEY": access,
            "TEST_S3_SECRET_KEY": secret,
        }
    finally:
        if server:
            server.kill()  # nothing of it is kept, and its own farewell takes ten seconds
            server.wait()
        shutil.rmtree(folder)


@contextmanager
def running_valkey():
    """A Valkey on loopback; yields the REDIS_URL."""
    folder = Path(tempfile.mkdtemp(prefix="test-valkey-"))
    (port,) = free_ports(1)
    command = valkey_command(str(folder / "valkey.sock"), folder, port)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while _is_free(port):
            time.sleep(0.05)
            if server.poll() is not None:
                sys.exit("Valkey did not start.")
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


def s3_command(folder, master, volume, filer, s3):
    """SeaweedFS in one process, on loopback only, with no telemetry and no other doors."""
    weed = Path(sys.executable).with_name("weed")
    return [
        weed, "-logtostderr", "-v=0", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        "-filer", f"-master.port={master}", "-master.telemetry=false", "-master.volumeSizeLimitMB=1024",
        f"-volume.port={volume}", "-volume.max=100", "-volume.minFreeSpace=100MiB", f"-filer.port={filer}",
        f"-filer.localSocket={folder}/filer.sock", f"-s3.port={s3}", f"-s3.config={folder}/people.json",
        f"-s3.localSocket={folder}/s3.sock", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]  # fmt: skip


def _wait_for(address, server, log):
    deadline = time.monotonic() + START_SECONDS
    while not _answers(address):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The S3 server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _answers(address):
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False  # it is starting


if __name__ == "__main__":
    sys.exit(main([sys.executable, "-m", *sys.argv[1:]]))
