"""Files and devices of the node."""

import re

from leadline.model.event import DeviceMade, Executed, Opened, RootChanged
from leadline.runtime.names import is_written, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_DEVICE = re.compile(
    r"(?:/.*)?/dev/(?:(?:sd|vd|xvd|hd)[a-z]{1,2}\d*|nvme\d+n\d+(?:p\d+)?|mmcblk\d+\w*|dm-\d+|mem|kmem|port|kcore)|/proc/kcore"
)
_USUAL_BELOW_DEV = (
    "/dev/shm/",
    "/dev/null",
    "/dev/tty",
    "/dev/pts/",
    "/dev/mqueue/",
    "/dev/fd/",
    "/dev/std",
    "/dev/ptmx",
    "/dev/console",
    "/dev/zero",
    "/dev/full",
    "/dev/termination-log",
    "/dev/.udev",
    "/dev/random",
    "/dev/urandom",
    "/dev/disk/",
    "/dev/log",
    "/dev/net/",
    "/dev/kmsg",
)
_DISK_TOOLS = frozenset({"debugfs", "xfs_db", "e2image", "dd"})
_DISK = re.compile(r"/dev/(?:sd|vd|xvd|nvme|mmcblk|dm-|mapper/|loop)")
_ROOTS_OF_NODES = (
    "/host/",
    "/hostfs/",
    "/rootfs/",
    "/host-root/",
    "/hostroot/",
    "/mnt/host/",
    "/node/",
    "/noderoot/",
    "/proc/1/root/",
)
_BELOW_A_ROOT = (
    "etc/",
    "root/",
    "home/",
    "var/lib/kubelet/",
    "var/lib/etcd/",
    "usr/",
    "bin/",
    "boot/",
    "var/spool/",
    "opt/",
)
_LOCK_THEMSELVES_IN = frozenset(
    {
        "sshd",
        "vsftpd",
        "proftpd",
        "unbound",
        "named",
        "postfix",
        "master",
        "smtpd",
        "haproxy",
        "ntpd",
        "chronyd",
        "bwrap",
        "dovecot",
        "apt",
        "apt-get",
        "gpgv",
        "sshd-session",
        "sshd-auth",
    }
)


@rule("RL021", "Device file made", score=7, needs=("exec", "device"), mitre=("TA0004", "T1611"))
def device_made(event: DeviceMade, actor: Actor, known: Baseline | None) -> str | None:
    """A device file was made in a container.

    A device file for the node's disk is the disk.

    First:
    - Look at its numbers: `ls -l` of the path, and which device of the node has them.
    - Take the node out of service where it was opened.
    - Drop CAP_MKNOD: no application needs it.

    False positives: storage plug-ins, and builders of images.
    """
    # A whiteout of an overlay is a character device 0:0.
    if not event.device or not actor.path or (known is not None and known.changed(event.path)):
        return None
    kind = "a disk" if event.is_block else "a character device"
    return f"{actor.tool} made {event.path}, {kind} ({event.device >> 8}:{event.device & 255})"


@rule(
    "RL020",
    "Disk or memory of the node opened",
    score=8,
    needs=("exec", "open"),
    mitre=("TA0004", "T1611"),
    falco=("Privileged Container Device Access",),
)
def disk_opened(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A process of a container opened a disk or the memory of the node.

    Rights end below the file system: every file of the node can be read and written.

    First:
    - Take the node out of service: its disk was open to the container.
    - Look at the program and what else it did.
    - Take `privileged` and devices away from the workload.

    False positives: storage plug-ins; a complete profile silences them.
    """
    path = event.path
    if (
        ("/dev/" not in path and path != "/proc/kcore")
        or not _DEVICE.fullmatch(path)
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} opened {path}"


@rule(
    "RL046",
    "File made below /dev",
    score=4,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1036.005"),
    falco=("Create files below dev",),
)
def file_below_dev(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A plain file was made below /dev.

    It is memory, it is empty after a restart, and few look there.

    First:
    - Save the file, and look up its SHA-256.
    - Look at what wrote it, and at what reads it.
    - Set `readOnlyRootFilesystem: true`.

    False positives: programs that make locks and shared memory below /dev/shm are left out.
    """
    path = event.path
    if not path.startswith("/dev/") or not event.open_flags & 0o100 or path.startswith(_USUAL_BELOW_DEV):
        return None
    return None if known is not None and known.opened(path) else f"{actor.tool} made {path}"


@rule(
    "RL019",
    "Disk of the node opened by a tool",
    score=8,
    needs=("exec",),
    tools=_DISK_TOOLS,
    mitre=("TA0004", "T1611"),
    falco=("Debugfs Launched in Privileged Container",),
)
def file_system_debugger(event: Executed, actor: Actor) -> str | None:
    """A tool that opens the disk of a node below its file system ran in a container.

    debugfs and dd on a device read and write every file of the node, whatever their rights.

    First:
    - Take the node out of service: its disk was open to the container.
    - Look at what was read and written: the arguments and the chain.
    - Take `privileged` and devices away from the workload.

    False positives: storage plug-ins that format volumes.
    """
    tool = actor.tool
    if tool != "dd" or _DISK.search(" ".join(event.arguments)):
        return f"{line_of(event.arguments) or event.path} ran, which works on a disk of the node"
    return None


@rule(
    "RL052",
    "Root of the node opened",
    score=6,
    needs=("exec", "open"),
    mitre=("TA0004", "T1611"),
    falco=("Container Access to Host Sensitive Paths",),
)
def host_folder(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A program read or wrote where the root of the node is usually mounted, with credentials or settings of the node in it.

    Certificates and settings of the kubelet or of the control plane are keys to the whole cluster.

    First:
    - Look at what was opened, and replace the credentials that were.
    - Take the hostPath volume away, or mount the one folder that is needed, read-only.
    - Take the node out of service where something was written.

    False positives: agents of nodes, such as collectors of logs and monitoring; a complete profile silences them.
    """
    path = event.path
    if not path.startswith(_ROOTS_OF_NODES):
        return None
    root = next((one for one in _ROOTS_OF_NODES if path.startswith(one)), "")
    if (
        not root
        or not path.startswith(_BELOW_A_ROOT, len(root))
        or (known is not None and known.opened(path))
    ):
        return None
    return (
        f"{actor.tool} {'wrote' if is_written(event) else 'read'} {path}"
        if is_written(event) or "etc/" in path or "/root/" in path
        else None
    )


@rule("RL023", "Other root folder taken", score=8, needs=("exec", "root"), mitre=("TA0004", "T1611"))
def root_of_node(event: RootChanged, actor: Actor, known: Baseline | None) -> str | None:
    """A process of a container took another root folder.

    `chroot /host` in a container that has the node's root mounted is a shell on the node.

    First:
    - Look at what was run after it: the events of the container since then.
    - Take the node out of service where the folder was the node's.
    - Take hostPath volumes of `/` away from the workload, and CAP_SYS_CHROOT.

    False positives: servers that lock themselves into a folder of their own (sshd, vsftpd, unbound), and builders of images.
    """
    if not actor.path or actor.is_known_as(_LOCK_THEMSELVES_IN) or event.path in (".", "/", ""):
        return None
    if known is not None and event.call in known.syscalls:
        return None
    return f"{actor.tool} took {event.path} as its root folder"
