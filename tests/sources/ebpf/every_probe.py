"""Run in namespaces of its own (``unshare -mn``): does one thing for each probe, by the calls themselves."""

import contextlib
import ctypes
import mmap
import os
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path

SECRET = "Hunter2xyz9"
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
DNS_QUESTION = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\4gone\7example\0\0\1\0\1"
DNS_GONE = b"\x12\x34\x81\x83\0\1\0\0\0\0\0\0\4gone\7example\0\0\1\0\1"
DNS_FOUND = (
    b"\x12\x35\x81\x80\0\1\0\1\0\0\0\0\4here\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7"
)


def files(folder: Path) -> None:
    (folder / "made").mkdir()
    os.close(os.open(folder / "opened", os.O_CREAT | os.O_WRONLY))
    how = struct.pack("<QQQ", os.O_RDONLY, 0, 0)
    os.close(LIBC.syscall(437, AT_FDCWD, str(folder / "opened").encode(), how, len(how)))
    os.close(LIBC.syscall(85, str(folder / "creat").encode(), 0o600))
    os.close(LIBC.syscall(2, str(folder / "creat").encode(), 0))
    for number, arguments in ((88, ("/etc/shadow", "soft")), (86, ("opened", "hard"))):
        one, two = arguments
        target = one if one.startswith("/") else str(folder / one)
        LIBC.syscall(number, target.encode(), str(folder / two).encode())
    (folder / "softer").symlink_to("/etc/sudoers")
    (folder / "harder").hardlink_to(folder / "opened")
    LIBC.syscall(82, str(folder / "creat").encode(), str(folder / "renamed").encode())
    (folder / "renamed").rename(folder / "moved")
    LIBC.syscall(90, str(folder / "opened").encode(), 0o4755)
    (folder / "opened").chmod(0o600)
    descriptor = os.open(folder / "opened", os.O_RDONLY)
    os.fchmod(descriptor, 0o640)
    os.fchown(descriptor, 0, 0)
    os.close(descriptor)
    os.utime(folder / "opened")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    with Path("/bin/true").open("rb") as program:
        mmap.mmap(
            program.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC
        ).close()
    for name in ("soft", "softer", "hard", "harder", "moved", "opened", "socket"):
        (folder / name).unlink()
    (folder / "made").rmdir()


def calls() -> None:
    LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None)
    LIBC.umount2(b"/mnt", 2)
    os.setuid(0)
    os.setreuid(0, -1)
    os.setresuid(0, -1, 0)
    LIBC.unshare(0x4000000)  # a UTS namespace
    LIBC.setns(os.open("/proc/self/ns/uts", os.O_RDONLY), 0)
    child = os.fork()
    if not child:
        LIBC.ptrace(0, 0, 0, 0)
        os._exit(0)
    os.waitpid(child, 0)
    LIBC.syscall(321, 5, ctypes.create_string_buffer(128), 128)  # a program that no kernel takes
    io_uring()
    for number in (33, 292):  # dup2, dup3
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()) as client,
        ):
            kept = os.dup(0)
            LIBC.syscall(number, client.fileno(), 0, 0)
            os.dup2(kept, 0)
    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect("/run/containerd/none.sock")
    LIBC.syscall(323, 0)  # userfaultfd
    child = os.fork()
    if not child:
        os.chroot("/proc")
        os._exit(0)
    os.waitpid(child, 0)
    LIBC.syscall(155, b"/none", b"/none")  # pivot_root
    os.mknod("/tmp/leadline-device", 0o60600, os.makedev(7, 99))
    Path("/tmp/leadline-device").unlink()
    os.pwrite(os.memfd_create("gone"), b"x", 0)


def io_uring() -> None:
    """One NOP."""
    parameters = ctypes.create_string_buffer(120)
    ring = LIBC.syscall(425, 4, parameters)
    if ring < 0:
        return
    _, _, _, _, _, _, _ = struct.unpack_from("<7I", parameters.raw)
    head = struct.unpack_from("<10I", parameters.raw, 40)
    submissions = mmap.mmap(ring, 4096, offset=0)
    entries = mmap.mmap(ring, 4096, offset=0x10000000)
    array, tail = head[6], head[1]
    entries[0:64] = bytes(64)
    submissions[array : array + 4] = struct.pack("<I", 0)
    submissions[tail : tail + 4] = struct.pack("<I", 1)
    LIBC.syscall(426, ring, 1, 0, 0, None, 0)
    submissions.close()
    entries.close()
    os.close(ring)


def answered(server: socket.socket) -> None:
    for reply in (DNS_GONE, DNS_FOUND):
        _, peer = server.recvfrom(512)
        server.sendto(reply, peer)


def accepted(server: socket.socket, times: int, greeting: bytes = b"") -> None:
    for _ in range(times):
        peer, _ = server.accept()
        if greeting:
            peer.sendall(greeting)
        with contextlib.suppress(OSError):
            peer.recv(4096)
        peer.close()


def serving(family: int, address: str, port: int, times: int, greeting: bytes = b"") -> threading.Thread:
    server = socket.create_server((address, port), family=family)
    thread = threading.Thread(target=accepted, args=(server, times, greeting), daemon=True)
    thread.start()
    return thread


def network() -> None:
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=answered, args=(names,), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(DNS_QUESTION, ("127.0.0.1", 53))
        client.recvfrom(512)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", 53))
        client.send(DNS_QUESTION.replace(b"\x12\x34", b"\x12\x35").replace(b"gone", b"here"))
        client.recv(512)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client, contextlib.suppress(OSError):
        client.sendto(b"x", ("::1", 9999))
    serving(socket.AF_INET, "127.0.0.1", 8080, 1)
    with socket.create_connection(("127.0.0.1", 8080)) as client:
        client.sendall(
            f"GET /shop?token={SECRET}&page=1 HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode()
        )
        client.recv(10)
    serving(socket.AF_INET6, "::1", 8443, 1)
    context = ssl.create_default_context()
    with socket.create_connection(("::1", 8443)) as client, contextlib.suppress(OSError):
        context.wrap_socket(client, server_hostname="pay.example").close()
    serving(socket.AF_INET, "127.0.0.1", 2222, 1, b"SSH-2.0-OpenSSH_9.2\r\n")
    with socket.create_connection(("127.0.0.1", 2222)) as client:
        client.recv(64)
        client.sendall(b"SSH-2.0-agent_test\r\n")


if __name__ == "__main__":
    files(Path(sys.argv[1]))
    calls()
    network()
