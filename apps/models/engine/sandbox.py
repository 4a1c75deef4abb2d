"""Walls around a process that reads files of strangers. Linux only; ctypes and nothing else.

`lock_in(folder)` is called first of all, before any thread is started, and cannot be taken back. What holds then:

* Landlock (kernel 5.13 and later): no file is opened for writing, made, renamed or removed outside `folder` and
  /dev/null; read are only Python's own folders, the system's libraries, this package and a few files of /proc. Nothing
  can be executed. From kernel 6.7 on no TCP, from 6.12 on no signal to processes outside.
* seccomp: no socket of any kind, no new process, no execve, no ptrace or reading of other processes' memory, no mount,
  no change of owners, modes or times of files, no io_uring (which would go around the rest).
* rlimits: memory, seconds of CPU, size of a written file, open files, no core dump.
* Every capability is dropped, and no program can give one back (no_new_privs).

What a kernel cannot do is an error and no weaker wall: SandboxError.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
import sysconfig
from pathlib import Path

MEGABYTE = 2**20
READABLE = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
    "/etc/os-release", "/etc/mime.types", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/proc/sys/vm/overcommit_memory", "/proc/version", "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/dev/zero", "/dev/random", "/dev/urandom",
)  # fmt: skip

# number of each system call on x86-64 and arm64; None: it is not there
DENIED = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "reboot": (169, 142), "acct": (163, 89),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
CLONE, CLONE3, PRLIMIT, CAPSET = (56, 220), (435, 435), (302, 261), (126, 91)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
CLONE_THREAD = 0x10000
X32_BIT = 0x40000000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL_DEV = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
SPECIAL_FILES = (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11)  # devices, sockets, pipes
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_libc = ctypes.CDLL(None, use_errno=True)


class SandboxError(Exception):
    """A wall cannot be put up on this machine; the text says which."""


def lock_in(folder: str | Path, memory_mb: int, cpu_seconds: int, file_mb: int = 16) -> None:
    """Put up all the walls around this process; `memory_mb` is of data, not of address space. Raises SandboxError."""
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        raise SandboxError("uploaded weights are read behind walls that only Linux on x86-64 or arm64 has")
    os.chdir(folder)
    _limit(memory_mb, cpu_seconds, file_mb)
    _check(_libc.prctl(38, 1, 0, 0, 0), "no_new_privs")
    _drop_capabilities()
    _landlock(Path(folder))
    _seccomp()


def _limit(memory_mb: int, cpu_seconds: int, file_mb: int) -> None:
    limits = {
        resource.RLIMIT_DATA: memory_mb * MEGABYTE, resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_mb * MEGABYTE, resource.RLIMIT_NOFILE: 256, resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    for what, most in limits.items():
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _drop_capabilities() -> None:
    header = struct.pack("Ii", 0x20080522, 0)
    _check(_libc.syscall(CAPSET[ARCHITECTURES[platform.machine()][0]], header, bytes(24)), "capabilities")


def _landlock(folder: Path) -> None:
    version = _libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        raise SandboxError("this machine's kernel has no Landlock (Linux 5.13 or later, with landlock among its LSMs)")
    handled = (1 << 13) - 1
    for since, right in ((2, 1 << 13), (3, TRUNCATE), (5, IOCTL_DEV)):
        handled |= right if version >= since else 0
    tcp, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attributes = struct.pack("QQQ", handled, tcp, scopes)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = _check(_libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0), "Landlock")
    own = [sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), Path(__file__).parent]
    own += [place / "__init__.py" for place in Path(__file__).parents[1:3]]
    for path in (*READABLE, *own):
        _allow(rules, path, (READ_FILE | READ_DIR) & handled)
    for path in Path(__file__).parents[:3]:  # Python looks into the folders of a package
        _allow(rules, path, READ_DIR)
    _allow(rules, "/dev/null", (READ_FILE | WRITE_FILE) & handled)
    _allow(rules, folder, handled & ~SPECIAL_FILES & ~EXECUTE & ~IOCTL_DEV)
    _check(_libc.syscall(LANDLOCK_RESTRICT, rules, 0), "Landlock")
    os.close(rules)


def _allow(rules: int, path: str | Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no door
    try:
        rights = rights if Path(path).is_dir() else rights & OF_A_FILE
        _check(_libc.syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", rights, place), 0), "Landlock")
    finally:
        os.close(place)


def _seccomp() -> None:
    which, audit = ARCHITECTURES[platform.machine()]
    load, jump, more, has, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill = (answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x80000000)
    refuse, absent = (answer, 0, 0, 0x50000 | errno.EPERM), (answer, 0, 0, 0x50000 | errno.ENOSYS)
    steps = [(load, 0, 0, 4), (jump, 1, 0, audit), kill, (load, 0, 0, 0), (more, 0, 1, X32_BIT), refuse]
    for numbers in DENIED.values():
        if numbers[which] is not None:
            steps += [(jump, 0, 1, numbers[which]), refuse]
    steps += [(jump, 0, 1, CLONE3[which]), absent]  # libc falls back to clone, whose flags can be read
    steps += [(jump, 0, 4, CLONE[which]), (load, 0, 0, 16), (has, 1, 0, CLONE_THREAD), refuse, allow]
    steps += [(jump, 0, 3, PRLIMIT[which]), (load, 0, 0, 16), (jump, 1, 0, 0), refuse, allow]
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program)
    head = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(buffer))
    _check(_libc.prctl(22, 2, head, 0, 0), "seccomp")


def _check(code: int, wall: str) -> int:
    if code < 0:
        raise SandboxError(f"this machine's kernel does not give {wall}: {os.strerror(ctypes.get_errno())}")
    return code
