"""Accounts, and how a process comes to the rights of another."""

from leadline.model.event import Executed, IdentityChanged, ModeChanged, Opened
from leadline.runtime.names import ACCOUNT_TOOLS, LOGIN_PROGRAMS, PACKAGE_MANAGERS, is_sensitive, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_PROGRAM_FILES = (
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/hosts.allow",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf~",
)
_SET_USER = LOGIN_PROGRAMS | {
    "ping",
    "ping6",
    "mount",
    "umount",
    "fusermount",
    "fusermount3",
    "pkexec",
    "dbus-daemon",
    "dbus-daemon-launch-helper",
    "bwrap",
    "newuidmap",
    "newgidmap",
    "at",
    "crontab",
    "chrome-sandbox",
    "gosu",
    "su-exec",
    "setpriv",
    "traceroute",
}


@rule(
    "RL030",
    "Account added or changed",
    score=4,
    needs=("exec",),
    tools=ACCOUNT_TOOLS,
    mitre=("TA0003", "T1136.001"),
    falco=("User mgmt binaries",),
)
def accounts_changed(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """An account of the container or node was added or changed.

    A new account, or a new password of an old one, is a way back in. Containers have their accounts
    from the image.

    First:
    - Look at /etc/passwd and /etc/group for what was added, above all user 0.
    - Look at whether the path is one of the node.
    - Build accounts into the image, and set `readOnlyRootFilesystem: true`.

    False positives: start scripts that make their user, as many images do; a complete profile silences them.
    """
    if known is not None and known.ran(event.path):
        return None
    if any(one.path.rpartition("/")[2] in PACKAGE_MANAGERS for one in actor.above):
        return None
    return f"{line_of(event.arguments) or event.path} ran"


@rule(
    "RL031",
    "File of accounts written",
    score=7,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1136.001"),
    on_nodes=True,
)
def accounts_written(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """/etc/passwd, /etc/shadow or the rules of sudo were written by a program that does not own them.

    One line there makes an account root, or a password empty. Tools for accounts check what they write;
    an attacker writes the line.

    First:
    - Compare the file with that of the image: a user with the number 0, an empty password, NOPASSWD.
    - Look at whether the path is one of the node, and take the node out of service if so.
    - Set `readOnlyRootFilesystem: true`, and run the container as a user that cannot write there.

    False positives: start scripts that write their user's line, as images for arbitrary users do; a complete profile silences them.
    """
    path = event.path
    if "/etc/" not in path or not (path.endswith(_PROGRAM_FILES) or is_sensitive(path)):
        return None
    tool = actor.tool
    if tool in LOGIN_PROGRAMS or tool in PACKAGE_MANAGERS or (known is not None and known.opened(path)):
        return None
    return f"{tool} wrote {path}"


@rule(
    "RL029",
    "Key for signing in added",
    score=7,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1098.004"),
    falco=("Adding ssh keys to authorized_keys",),
    on_nodes=True,
)
def authorized_key_added(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A key was added to those that may sign in by SSH.

    Who holds the key signs in whenever they want, also after the hole through which they came is
    closed.

    First:
    - Look at which key it is, and remove it.
    - Look at whether the path is one of the node: then the way in is the node's.
    - Look at sign-ins since then, and at the chain.

    False positives: agents of clouds that write keys on nodes, and images of SSH servers that do so when they start.
    """
    path = event.path
    if not path.endswith(("/authorized_keys", "/authorized_keys2")):
        return None
    return None if known is not None and known.opened(path) else f"{actor.tool} wrote {path}"


@rule(
    "RL043",
    "Process became root",
    score=6,
    needs=("exec", "identity"),
    mitre=("TA0004", "T1548"),
    falco=("Non sudo setuid",),
)
def became_root(event: IdentityChanged, actor: Actor, known: Baseline | None) -> str | None:
    """A process that was not root became root without a tool for it.

    A program that may become root, or the kernel, was made to do something that it was not meant for.
    As root the way out of the container is shorter.

    First:
    - Look at the program: one with the set-user bit, or one that uses a fault of the kernel.
    - Look at what ran since as root in that container.
    - Set `allowPrivilegeEscalation: false`, and update the node's kernel.

    False positives: programs with the set-user bit that are not known here; a complete profile silences them.
    """
    if (
        not event.uid
        or not actor.path
        or not event.call.startswith(("setuid", "setreuid", "setresuid"))
        or 0 not in event.ids
    ):
        return None
    if actor.is_known_as(_SET_USER) or (known is not None and "SETUID" in known.capabilities):
        return None
    return f"{actor.tool}, of user {event.uid}, asked to become root"


@rule(
    "RL032",
    "Set-user bit given",
    score=6,
    needs=("exec", "mode"),
    mitre=("TA0004", "T1548.001"),
    falco=("Set Setuid or Setgid bit",),
    on_nodes=True,
)
def set_user_bit(event: ModeChanged, actor: Actor) -> str | None:
    """A file was made a program that runs as its owner, no matter who starts it.

    A shell with this bit gives root to every user of the container.

    First:
    - Remove the bit: `chmod u-s`, and look at who ran the program since.
    - Look at the chain that set it.
    - Set `allowPrivilegeEscalation: false`, which makes the bit worth nothing.

    False positives: packages that are installed within the container.
    """
    # Of a folder the bit for groups says only whom new files belong to.
    if not event.mode & 0o4000 and (event.mode & 0o2010) != 0o2010:
        return None
    if event.mode & 0o1000 or actor.is_known_as(PACKAGE_MANAGERS):
        return None
    if not event.mode & 0o4000 and actor.tool not in ("chmod", "busybox"):
        return None
    return f"{actor.tool} gave {event.path or 'an open file'} the mode {event.mode:o}"


@rule(
    "RL045",
    "Known fault of sudo or pkexec used",
    score=8,
    needs=("exec",),
    mitre=("TA0004", "T1068"),
    falco=(
        "Sudo Potential Privilege Escalation",
        "Polkit Local Privilege Escalation Vulnerability (CVE-2021-4034)",
    ),
    on_nodes=True,
    see="https://nvd.nist.gov/vuln/detail/CVE-2021-3156",
)
def tool_privilege_exploit(event: Executed, actor: Actor) -> str | None:
    """sudo or pkexec was started in the way that known faults of them are used.

    CVE-2021-3156 needs `sudoedit -s` with a backslash at the end, CVE-2021-4034 pkexec without any argument.

    First:
    - Look at whether root ran anything in the container since.
    - Update sudo and polkit in the image, or take them out.
    - Set `allowPrivilegeEscalation: false`.

    False positives: hardly any.
    """
    words = event.arguments
    if event.path.endswith("/pkexec") and event.uid and not words:
        return "pkexec was started without any argument (CVE-2021-4034)"
    is_edit = event.path.endswith(("/sudoedit", "/sudo")) and any(word.endswith("\\") for word in words)
    if is_edit and any(word.startswith("-s") or word == "-i" for word in words):
        return f"sudo was started as CVE-2021-3156 needs it: {line_of(words)}"
    return None
