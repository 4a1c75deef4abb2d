#!/usr/bin/env python3
"""Prove the Dockerfile where there is no Docker engine: run its steps in clean Debian roots, start it, ask its health.

    sudo scripts/image_in_a_root.py FOLDER [--build-arg NAME=VALUE] [--lend PLACE[:INSIDE]] [--env NAME=VALUE]

Each stage becomes a root of its own under FOLDER, made by debootstrap (`apt-get install debootstrap`); RUN happens by
chroot in it. `--lend` and `--env` give them what a host's pip needs (settings, wheels), read-only. At the end the
image's CMD is started as the image's USER, its HEALTHCHECK is asked until it is content, and all is stopped. Mounts and
processes live in namespaces of this command: they go with it, however it ends.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BASES = {"debian:bookworm-slim": "bookworm"}
SOURCE = Path(__file__).resolve().parent.parent
HEALTH_SECONDS = 180
INSIDE = "IMAGE_IN_A_ROOT"


class Stage:
    """One FROM of the Dockerfile: its root, and what ENV, ARG, WORKDIR and USER have said so far."""

    def __init__(self, root, parent=None):
        self.root = root
        self.environment = dict(parent.environment) if parent else {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder, self.user = (parent.folder, parent.user) if parent else ("/", "root")
        self.command = self.health = None

    def enter(self, command, user=None):
        """The command line that runs `command` in this root as `user`."""
        become = (
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user not in (None, "root") else []
        )
        go = f'cd {shlex.quote(self.folder)} && exec "$@"'
        return [shutil.which("chroot"), str(self.root), *become, "sh", "-c", go, "sh", *command]

    def outside(self, path):
        """Where `path` of this root lies on the host."""
        return self.root / os.path.join(self.folder, path).lstrip("/")


def main():
    """Build every stage, start the last; returns the exit code."""
    options = _options()
    if os.geteuid() != 0:
        sys.exit("chroot and mounts need root: run it with sudo.")
    if not os.environ.get(INSIDE):
        os.environ[INSIDE] = "1"
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        os.execvp(apart[0], [*apart, sys.executable, *sys.argv])  # noqa: S606
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the first process of a namespace ignores it otherwise
    stages, stage, given = {}, None, dict(item.split("=", 1) for item in options.build_arg)
    for word, rest in instructions((SOURCE / "Dockerfile").read_text()):
        print(f"— {word} {rest[:110]}", flush=True)
        if word == "FROM":
            stage = _begin(rest, stages, options)
        else:
            STEPS[word](stage, rest, stages, given, options)
    return _start(stage, options)


def instructions(text):
    """`[(instruction, its arguments)]`, comments gone, continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def _begin(rest, stages, options):
    base, name = re.fullmatch(r"(\S+)(?: AS (\S+))?", rest).groups()
    root = options.folder / (name or "image")
    _run(["rm", "-rf", root])
    if base in stages:
        _run(["cp", "-ax", stages[base].root, root])  # -x: not what is mounted in it
    else:
        _run(["debootstrap", "--variant=minbase", BASES[base], root, *([options.mirror] if options.mirror else [])])
    stage = Stage(root, stages.get(base))
    _run(["mount", "--rbind", "/dev", root / "dev"])
    _run(["mount", "-t", "proc", "proc", root / "proc"])
    for item in ["/etc/resolv.conf", *options.lend]:
        place, _, inside = item.partition(":")
        _lend(Path(place), root / (inside or place).lstrip("/"))
    stages[name or "image"] = stage
    return stage


def _lend(place, inside):
    """Mount `place` of the host at `inside`, read-only: no step of an image may write to the host."""
    (inside if place.is_dir() else inside.parent).mkdir(parents=True, exist_ok=True)
    if not place.is_dir():
        inside.touch()
    _run(["mount", "--bind", place, inside])
    _run(["mount", "-o", "remount,bind,ro", inside])


def _arg(stage, rest, stages, given, options):
    name, _, default = rest.partition("=")
    stage.environment[name] = given.get(name, default)


def _env(stage, rest, stages, given, options):
    stage.environment |= dict(item.split("=", 1) for item in shlex.split(rest))


def _workdir(stage, rest, stages, given, options):
    stage.folder = rest
    stage.outside(rest).mkdir(parents=True, exist_ok=True)


def _user(stage, rest, stages, given, options):
    stage.user = rest


def _copy(stage, rest, stages, given, options):
    *flags, source, target = rest.split()
    if flags:
        found = stages[flags[0].removeprefix("--from=")].root / source.lstrip("/")
        _run(["cp", "-al", found, stage.outside(target)])
    elif source == ".":
        kept_out = [line for line in (SOURCE / ".dockerignore").read_text().split() if line]
        shut = [f"--exclude={line if line.startswith('**') else './' + line}" for line in kept_out]
        pack = subprocess.Popen(["tar", "-C", SOURCE, "--anchored", *shut, "-cf", "-", "."], stdout=subprocess.PIPE)
        subprocess.run(
            ["tar", "-C", stage.outside(target), "--no-same-owner", "-xf", "-"], stdin=pack.stdout, check=True
        )
        if pack.wait():
            sys.exit("The source could not be packed.")
    else:
        _run(["cp", SOURCE / source, stage.outside(target)])


def _run_step(stage, rest, stages, given, options):
    lent = dict(item.split("=", 1) for item in options.env)
    _run(stage.enter(["sh", "-c", rest], stage.user), env=stage.environment | lent)


def _cmd(stage, rest, stages, given, options):
    stage.command = json.loads(rest)


def _health(stage, rest, stages, given, options):
    stage.health = json.loads(rest[rest.index("CMD") + 3 :])


def _nothing(stage, rest, stages, given, options):
    """VOLUME and EXPOSE change nothing in a root."""


STEPS = {
    "ARG": _arg, "ENV": _env, "WORKDIR": _workdir, "USER": _user, "COPY": _copy, "RUN": _run_step, "CMD": _cmd,
    "HEALTHCHECK": _health, "VOLUME": _nothing, "EXPOSE": _nothing,
}  # fmt: skip


def _start(stage, options):
    """Start CMD as USER and ask HEALTHCHECK; 0 once it is content."""
    if stage.user == "root":
        sys.exit("The image would run as root.")
    environment = stage.environment | {"PORT": options.port, "HOST": "127.0.0.1", "HOME": "/tmp"}  # noqa: S108
    began = time.monotonic()
    platform = subprocess.Popen(stage.enter(stage.command, stage.user), env=environment)
    check = stage.enter(stage.health, stage.user)
    well = False
    while not well and platform.poll() is None and time.monotonic() - began < HEALTH_SECONDS:
        time.sleep(1)
        well = subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 0
    took = time.monotonic() - began
    platform.terminate()
    platform.wait(60)
    print(f"healthy after {took:.0f} s, as {stage.user}" if well else f"not healthy after {took:.0f} s", flush=True)
    return 0 if well else 1


def _run(command, env=None):
    done = subprocess.run([str(part) for part in command], env=env, check=False)
    if done.returncode:
        sys.exit(f"This step ended with {done.returncode}.")


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the roots are made; about 16 GB")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--lend", action="append", default=[], metavar="PLACE[:INSIDE]", help="of the host, read-only")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the RUN steps")
    parser.add_argument("--mirror", help="where debootstrap finds Debian")
    parser.add_argument("--port", default="8099", help="of loopback, to start it on")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
