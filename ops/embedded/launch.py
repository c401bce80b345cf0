"""Replaces itself with a server program, after giving up rights it must not have.

Run as a script by the launchers, in front of the real command line. A small program and not a
`preexec_fn`, because Python may deadlock when it runs code between fork and exec in a process with
threads. Knows only the standard library.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
"""The one capability that default containers grant and that lets a user pass a closed directory."""
CAPABILITY_VERSION_3 = 0x20080522


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapSets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become(uid: int, gid: int, *, keep_access: bool) -> None:
    """Changes this process to the user and group for good.

    With `keep_access` it may still reach files below directories that are closed to that user,
    such as a virtual environment in root's home. Linux only.
    """
    libc = ctypes.CDLL(None, use_errno=True) if keep_access else None
    if libc is not None:
        # Not PR_SET_KEEPCAPS: without this bit access(2), by which PostgreSQL looks for its own
        # files, leaves capabilities out for every user but root (Linux, capabilities(7)).
        _checked(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if libc is not None:
        mask = 1 << CAP_DAC_OVERRIDE
        sets = (_CapSets * 2)(_CapSets(mask, mask, mask), _CapSets(0, 0, 0))
        _checked(libc.capset(ctypes.byref(_CapHeader(CAPABILITY_VERSION_3, 0)), sets))
        _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def die_with(parent: int, signal_number: int) -> None:
    """Asks the kernel to signal this process when its parent is gone; nothing where unsupported."""
    if not sys.platform.startswith("linux"):
        return
    _checked(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0))
    if os.getppid() != parent:
        raise SystemExit("the process that asked for this server is already gone")


def main(arguments: list[str]) -> None:
    """Parses our own options, applies them and becomes the command; returns only by raising."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", help="uid:gid to run as")
    parser.add_argument("--keep-access", action="store_true")
    parser.add_argument("--die-with", help="pid of the parent and number of the signal, pid:signal")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command: list[str] = options.command[1:] if options.command[:1] == ["--"] else options.command
    if options.user:
        uid, gid = map(int, options.user.split(":"))
        become(uid, gid, keep_access=options.keep_access)
    if options.die_with:
        # After the change of user: the kernel forgets this wish when credentials change.
        parent, signal_number = map(int, options.die_with.split(":"))
        die_with(parent, signal_number)
    os.execv(command[0], command)


def _checked(result: int) -> None:
    if result != 0:
        raise SystemExit(
            f"a server may not keep its rights here: {os.strerror(ctypes.get_errno())}. "
            "Keep Kidglove and its data in a directory that everybody may enter, start it as an "
            "ordinary user, or set DATABASE_URL and REDIS_URL."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
