"""Programs that are not of the image."""

import re

from leadline.model.event import PARENT_UPPER, PSEUDO, UPPER, Executed, ModeChanged, Opened
from leadline.runtime.names import (
    BINARY_FOLDERS,
    INTERPRETERS,
    PACKAGE_MANAGERS,
    is_one_of,
    is_shell,
    line_of,
)
from leadline.runtime.rule import Actor, Baseline, rule

_SHARED_MEMORY = ("/dev/shm", "/run/shm")
_HIDDEN = re.compile(
    r"/\.(?!local/|cache/|nvm/|venv/|cargo/|rustup/|pyenv/|rbenv/|vscode|npm/|yarn/|bun/|deno/|gem/|config/|rvm/|sdkman/|m2/|gradle/|dotnet/|krew/|asdf/|pnpm|virtualenvs/|tox/)[^/]"
)
_WRITABLE_BY_ALL = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/dev/mqueue/")
_LIBRARIES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
_WRITERS = frozenset(
    {
        "cp",
        "mv",
        "install",
        "dd",
        "tee",
        "curl",
        "wget",
        "sh",
        "bash",
        "dash",
        "ash",
        "cat",
        "ln",
        "sed",
        "busybox",
    }
)
_CHANGES = frozenset(
    {
        "install",
        "add",
        "update",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "i",
        "ci",
        "-i",
        "-U",
        "-S",
        "-Sy",
        "-Syu",
        "--install",
        "localinstall",
        "reinstall",
        "remove",
        "del",
        "purge",
        "in",
        "dup",
    }
)


@rule(
    "R1001",
    "Drifted process executed",
    score=8,
    needs=("exec",),
    mitre=("TA0005", "T1036"),
    falco=("Drop and execute new binary in container",),
)
def drifted_process(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A program ran that is not part of the image.

    It lies in the container's own layer: it was downloaded, copied or compiled after the start. Attackers bring their tools that way; an image that was
    scanned says nothing about them.

    First:
    - Save the file: `kubectl cp` or `docker cp` it, and look up its SHA-256.
    - Look at the chain: which process wrote and started it, and from where it came.
    - Stop the container and start it from its image; set `readOnlyRootFilesystem: true`.

    False positives: images that compile or unpack programs at the start; accept those programs, or unpack them in the build.
    """
    if not event.flags & (UPPER | PARENT_UPPER) or (known is not None and known.ran(event.path)):
        return None
    if event.flags & UPPER:
        return f"{event.path} ran, which is not part of the image"
    return f"{event.path} was started by a program that is not part of the image"


@rule(
    "R1005",
    "Fileless execution detected",
    score=8,
    needs=("exec",),
    mitre=("TA0005", "T1055"),
    falco=("Fileless execution via memfd_create",),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1620/",
)
def fileless(event: Executed, actor: Actor) -> str | None:
    """A program ran that is in no file.

    It was written to memory (memfd_create) or is started through the descriptor of a file that is gone. Hardly anything but malware hides a program from the
    disk; scanners of files never see it.

    First:
    - Keep the container running and isolate it by a NetworkPolicy: what runs exists in memory alone.
    - Copy `/proc/PID/exe` and `/proc/PID/maps` of the process from the node.
    - Look at the chain: which program loaded it, and what let that one in.

    False positives: runc started within a container, and some debuggers and language runtimes that hide code in memory.
    """
    path = event.path
    if event.flags & PSEUDO or path.startswith(("memfd:", "/memfd:")):
        # runc copies itself to memory before it enters a container.
        is_runtime = "runc_cloned" in path and actor.container.is_host
        return None if is_runtime else f"{path} ran from memory"
    if path.startswith("/proc/") and "/fd/" in path:
        return f"{path} ran, the descriptor of an open file"
    return None


@rule("R1004", "Process executed from mount", score=5, needs=("exec",), mitre=("TA0002", "T1059"))
def executed_from_mount(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A program ran from a volume.

    What lies in a volume was not scanned with the image, and others may write it: another pod, the node, a user.

    First:
    - Look at what the volume is (`kubectl get pod -o yaml`) and who else mounts it.
    - Save the file, and look up its SHA-256.
    - Mount volumes of data with `noexec`, or read-only.

    False positives: images that keep their program in a volume, such as plug-in folders; a complete profile silences them.
    """
    mounts = actor.container.mounts
    if not mounts or (known is not None and known.ran(event.path)):
        return None
    path = event.path
    for place in mounts:
        if path.startswith(place) and path[len(place) : len(place) + 1] == "/":
            return f"{path} ran, which lies in the volume at {place}"
    return None


@rule(
    "R1000",
    "Process executed from malicious source",
    score=8,
    needs=("exec",),
    mitre=("TA0002", "T1059"),
    falco=("Execution from /dev/shm",),
    on_nodes=True,
)
def executed_from_shared_memory(event: Executed, actor: Actor) -> str | None:
    """A program ran from /dev/shm.

    Every user can write there, it is memory, and it is empty after a restart. No image keeps programs in it.

    First:
    - Copy the file from the node before the container ends: `/proc/PID/exe`.
    - Look at the chain and at what was downloaded before.
    - Mount /dev/shm with `noexec` where the runtime lets you, or set a seccomp profile.

    False positives: hardly any; some test suites of compilers.
    """
    path, words = event.path, event.arguments
    if (
        "/shm" not in path
        and "/shm" not in event.name
        and "/shm" not in actor.line
        and "/shm" not in "".join(words[:1])
    ):
        return None
    runs_a_script = is_shell(actor.tool) or is_one_of(actor.tool, INTERPRETERS)
    for place in (path, event.name, *words[: 1 + runs_a_script]):
        if place.startswith(_SHARED_MEMORY):
            return f"{place} was started from memory that every user can write"
    return None


@rule(
    "RL047",
    "Hidden program ran",
    score=6,
    needs=("exec",),
    mitre=("TA0005", "T1564.001"),
    falco=("Create Hidden Files or Directories",),
    on_nodes=True,
)
def hidden_program(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A program ran whose file or folder is hidden by its name.

    `ls` does not show it. Attackers put their tools in such folders below /tmp and /var/tmp, where
    everybody may write.

    First:
    - Save the file, and look up its SHA-256.
    - Look at the folder for what else it holds.
    - Look at the chain: who wrote and started it.

    False positives: tools that keep programs below a folder of settings such as ~/.local or ~/.nvm, and language servers; those folders are left out.
    """
    if (
        "/." not in event.path
        or not _HIDDEN.search(event.path)
        or (known is not None and known.ran(event.path))
    ):
        return None
    return f"{event.path} ran, which is hidden by its name"


@rule(
    "RL033",
    "File in a shared folder made a program",
    score=4,
    needs=("exec", "mode"),
    mitre=("TA0005", "T1222.002"),
    falco=("Container Drift Detected (chmod)",),
)
def made_executable(event: ModeChanged, actor: Actor, known: Baseline | None) -> str | None:
    """A file in a folder that every user can write was made a program.

    That is what is done with a file that was just downloaded.

    First:
    - Save the file, and look up its SHA-256.
    - Look at what wrote it, and whether it ran.
    - Mount such folders with `noexec`, or set `readOnlyRootFilesystem: true` with volumes for what is written.

    False positives: installers and build tools that run in the container.
    """
    if not event.mode & 0o111 or event.mode & 0o1000 or not event.path.startswith(_WRITABLE_BY_ALL):
        return None
    if actor.tool != "chmod" and not event.path.startswith("/dev/"):
        return None
    return (
        None
        if known is not None and known.changed(event.path)
        else f"{actor.tool} made {event.path} a program"
    )


@rule(
    "RL048",
    "Folder of programs written",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1554"),
    falco=(
        "Write below binary dir",
        "Modify binary dirs",
        "Mkdir binary dirs",
        "Container Drift Detected (open+create)",
    ),
    on_nodes=True,
)
def binary_folder_written(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A file in a folder of programs was written in a running container.

    What is started by its name alone is found there: a false `ls` or `sudo` is started by everyone.

    First:
    - Compare the file with that of the image.
    - Look at the chain that wrote it, and at who started it since.
    - Set `readOnlyRootFilesystem: true`.

    False positives: packages that are installed within the container, and images that write wrappers when they start; a complete profile silences them.
    """
    path = event.path
    if not path.startswith((*BINARY_FOLDERS, *_LIBRARIES)) or actor.is_known_as(PACKAGE_MANAGERS):
        return None
    if path.startswith(_LIBRARIES) and actor.tool not in _WRITERS:
        return None
    if (
        path.endswith((".pyc", ".pyo"))
        or "/__pycache__/" in path
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} wrote {path}"


@rule(
    "RL035",
    "Package manager ran in a container",
    score=4,
    needs=("exec",),
    tools=PACKAGE_MANAGERS | {"python", "node", "ruby"},
    mitre=("TA0002", "T1072"),
    falco=(
        "Launch Package Management Process in Container",
        "Update Package Repository",
        "Write below rpm database",
    ),
)
def packages_installed(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A package manager ran in a container.

    An image is complete when it is built. What is installed later was scanned by no one, and is mostly a tool of the one who got in.

    First:
    - Read the arguments: which packages, from where.
    - Look at the chain: a person, or the application.
    - Take package managers out of the image, or set `readOnlyRootFilesystem: true`.

    False positives: images that install when they start, and build jobs; a complete profile silences them.
    """
    words = event.arguments
    # pip and npm are scripts of their interpreter.
    is_module = words[1:3] == ("-m", "pip")
    if actor.tool not in PACKAGE_MANAGERS and actor.script not in PACKAGE_MANAGERS and not is_module:
        return None
    if not _CHANGES & set(words) or (known is not None and known.ran(event.path)):
        return None
    return f"{line_of(words)} ran"
