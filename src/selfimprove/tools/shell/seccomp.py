"""Seccomp: the filter that takes the dangerous part of the kernel away from sandboxed code."""

from __future__ import annotations

import errno
import tempfile
from functools import lru_cache
from typing import Any

# Doors that tests of ordinary programs do not use, and that kernel exploits do. Namespaces and capabilities
# forbid most of them already; this is the second lock.
_DENIED = """
    add_key keyctl request_key bpf perf_event_open userfaultfd lookup_dcookie
    mount umount2 pivot_root move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr
    quotactl quotactl_fd swapon swapoff setns unshare
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd
    kexec_load kexec_file_load init_module finit_module delete_module reboot acct
    open_by_handle_at name_to_handle_at syslog settimeofday clock_settime adjtimex
    iopl ioperm modify_ldt vhangup nfsservctl socketcall
"""
_ABSENT = "io_uring_setup io_uring_enter io_uring_register"  # ENOSYS: libraries then use epoll
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

# Unix sockets of the host stay reachable through read-only folders, and a vsock reaches the host of a virtual
# machine from any network namespace. Netlink stays: name resolution asks it for the loopback's addresses.
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_TYPE_MASK, _SOCK_DGRAM = 0xF, 2


def available() -> str:
    """Return ``""`` when filters can be compiled here, otherwise why not."""
    try:
        program()
    except (ImportError, OSError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return ""


@lru_cache(maxsize=2)
def program(*, unix_sockets: bool = False) -> bytes:
    """Return the compiled filter as bubblewrap takes it.

    Only IPv4, IPv6 and netlink sockets can be made. Connected stream pairs (``socketpair``) stay, which
    asyncio and multiprocessing need; datagram pairs do not, since they can be pointed at any Unix socket.
    ``unix_sockets`` lets named Unix sockets pass. Raises ImportError without pyseccomp or its library.
    """
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in _DENIED.split():
        _add(rules, seccomp.ERRNO(errno.EPERM), name)
    for name in _ABSENT.split():
        _add(rules, seccomp.ERRNO(errno.ENOSYS), name)
    for request in (_TIOCSTI, _TIOCLINUX):
        _add(
            rules, seccomp.ERRNO(errno.EPERM), "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request)
        )
    allowed = {_AF_INET, _AF_INET6, _AF_NETLINK} | ({_AF_UNIX} if unix_sockets else set())
    denied = seccomp.ERRNO(errno.EACCES)
    for family in set(range(_AF_NETLINK)) - allowed:
        _add(rules, denied, "socket", seccomp.Arg(0, seccomp.EQ, family))
    # The kernel reads 32 bits; a number that becomes an allowed one by that is denied here.
    _add(rules, denied, "socket", seccomp.Arg(0, seccomp.GT, _AF_NETLINK))
    if not unix_sockets:
        pair = seccomp.Arg(1, seccomp.MASKED_EQ, _SOCK_TYPE_MASK, _SOCK_DGRAM)
        _add(rules, denied, "socketpair", pair)
    return _export(rules)


def _add(rules: Any, action: int, name: str, *arguments: Any) -> None:
    try:
        rules.add_rule(action, name, *arguments)
    except OSError as error:
        # A call that this processor or this libseccomp does not know cannot be made by its name either.
        if error.errno not in (errno.EDOM, errno.EFAULT, errno.EINVAL):
            raise


def _export(rules: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
