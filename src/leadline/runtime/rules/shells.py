"""Shells and tools where none belong."""

import re

from leadline.model.event import Executed, Redirected
from leadline.runtime.names import (
    DATABASES,
    DOWNLOADERS,
    INTERPRETERS,
    NETCATS,
    NETWORK_TOOLS,
    SERVERS,
    SHELLS,
    is_one_of,
    line_of,
)
from leadline.runtime.rule import Actor, Baseline, rule

_UNEXPECTED_OF_SERVERS = (
    DOWNLOADERS
    | NETWORK_TOOLS
    | {
        "id",
        "whoami",
        "uname",
        "base64",
        "chmod",
        "crontab",
        "cat",
        "ps",
        "netstat",
        "ss",
        "ip",
        "ifconfig",
        "env",
    }
)
_OF_SHELLS = re.compile(
    r"/dev/(?:tcp|udp)/|mkfifo\s+\S+.{0,80}\b(?:nc|ncat|telnet|openssl)\b|"
    r"\b(?:nc|ncat|netcat)\b.{0,80}\s-[a-z]*[ec]\b|socat\b.{0,200}\bexec:|0<&\d+-?;|\|\s*(?:ba|da|z)?sh\s+-i\b",
    re.IGNORECASE | re.DOTALL,
)
_OF_INTERPRETERS = re.compile(
    r"pty\.spawn|socket.{0,400}(?:dup2|subprocess|os\.system|exec)|fsockopen.{0,200}(?:exec|shell_exec|proc_open|popen|passthru)|"
    r"TCPSocket.{0,200}(?:spawn|exec|IO\.popen|`)|Socket.{0,300}exec\s*[({\"]|net\.(?:Socket|connect).{0,300}(?:spawn|exec)",
    re.IGNORECASE | re.DOTALL,
)
_HINTS = re.compile(r"/dev/(?:tcp|udp)|nc|netcat|socat|<&|sh\s+-i|[sS]ocket|sockopen|pty\.|net\.")
"""One of these is in every such line; looked for first since it is quick."""
_GIVE_CONNECTIONS_AWAY = frozenset(
    {"inetd", "xinetd", "systemd", "tcpserver", "s6-tcpserver", "sshd", "git-daemon", "httpd"}
)
_LOOK_AROUND = frozenset(
    {
        "id",
        "whoami",
        "uname",
        "hostname",
        "ifconfig",
        "ip",
        "netstat",
        "ss",
        "ps",
        "w",
        "who",
        "last",
        "lsb_release",
        "mount",
        "df",
        "env",
        "printenv",
        "getent",
        "capsh",
        "lscpu",
        "arp",
        "route",
        "nproc",
        "groups",
    }
)
ENOUGH = 4


@rule(
    "RL005",
    "Server started an unexpected tool",
    score=7,
    needs=("exec",),
    tools=_UNEXPECTED_OF_SERVERS,
    mitre=("TA0001", "T1190"),
    falco=("DB program spawned process", "Web Server Spawned Suspicious Child Process"),
)
def child_of_server(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A web server or database started a tool that servers do not need.

    A server that was broken into starts what the attacker asks for: it looks around, fetches tools and
    reads accounts. By itself it starts none of these.

    First:
    - Read the arguments of the tool, and look at the requests of that moment.
    - Look for files that were written below the folders of the server.
    - Isolate the pod by a NetworkPolicy, keep it for evidence, and fix the way in.

    False positives: back-up hooks of databases; a complete profile silences them.
    """
    if known is not None and known.ran(event.path):
        return None
    server = next(
        (
            one
            for one in actor.above[:3]
            if is_one_of(_name(one.path), SERVERS) or is_one_of(_name(one.path), DATABASES)
        ),
        None,
    )
    return f"{_name(server.path)} started {line_of(event.arguments)}" if server is not None else None


def _name(path: str) -> str:
    return path.rpartition("/")[2]


@rule(
    "RL004",
    "Server started a shell",
    score=7,
    needs=("exec",),
    tools=SHELLS,
    mitre=("TA0003", "T1505.003"),
    falco=(
        "Run shell untrusted",
        "Web Server Spawned Shell",
        "Reverse Shell from Web Server",
    ),
)
def shell_of_server(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A server started a shell.

    Web servers and databases seldom need one. Where it happens someone has made the server run commands: an injection, a web shell, a fault in a plug-in.

    First:
    - Read the arguments of the shell and what it started.
    - Look at the requests that the server answered at that moment.
    - Isolate the pod by a NetworkPolicy, keep it for evidence, and fix the way in.

    False positives: servers whose own scripts use a shell, such as CGI programs; a complete profile silences them.
    """
    parent = actor.parent_tool
    if not (is_one_of(parent, SERVERS) or is_one_of(parent, DATABASES)) or (
        known is not None and known.ran_so(event)
    ):
        return None
    # A server that is process 1 may be the shell's script that became it.
    return f"{parent} started a shell: {line_of(event.arguments)}"


@rule(
    "RL006",
    "Shell with a terminal in a container",
    score=3,
    needs=("exec",),
    tools=SHELLS,
    mitre=("TA0002", "T1609"),
    is_on=False,
    falco=("Terminal shell in container", "System user interactive"),
)
def terminal_shell(event: Executed, actor: Actor) -> str | None:
    """A shell with a terminal was started in a container.

    A person is in there, or someone who has become one.

    First:
    - Find who it was: the audit log, or the alert R2000 of the webhook, which names the user.
    - Read what was run: the events of the container since then.
    - Take the right `create pods/exec` away from those who need no shell.

    False positives: every `kubectl exec -it`. Therefore this rule is off unless you ask for it.
    """
    if not event.tty:
        return None
    return f"{actor.tool} was started with a terminal, as user {event.uid}"


@rule(
    "RL009",
    "Reverse shell by its words",
    score=8,
    needs=("exec",),
    tools=(*SHELLS, *INTERPRETERS),
    mitre=("TA0002", "T1059"),
    on_nodes=True,
)
def reverse_shell_by_words(event: Executed, actor: Actor) -> str | None:
    """A shell or an interpreter was started with the words of a reverse shell.

    It connects to the attacker and takes commands from there, so that no port has to be open and most
    firewalls let it pass.

    First:
    - Cut the connection: a NetworkPolicy that denies the pod's egress.
    - Read what was run: the events of the container since then.
    - Find the way in: the process that started it, and the requests of that moment.

    False positives: hardly any; tests of tools for attackers.
    """
    if len(event.arguments) < 2:
        return None
    if not _HINTS.search(actor.line):
        return None
    words = _OF_SHELLS if actor.tool in SHELLS else _OF_INTERPRETERS
    if not words.search(actor.line):
        return None
    return f"{actor.tool} ran the words of a reverse shell: {line_of(event.arguments)}"


@rule(
    "RL008",
    "Input or output became a connection",
    score=8,
    needs=("redirect",),
    mitre=("TA0002", "T1059.004"),
    falco=("Redirect STDOUT/STDIN to Network Connection in Container",),
    on_nodes=True,
)
def redirected_to_connection(event: Redirected, actor: Actor) -> str | None:
    """A connection became the input or output of a process.

    That is how a reverse shell is made: what is typed at the other end is run here.

    First:
    - Cut the connection: a NetworkPolicy that denies the pod's egress.
    - Read what was run: the events of the container since then.
    - Find the way in: the process that started it, and the requests of that moment.

    False positives: servers in the manner of inetd, which give each connection to a program.
    """
    if actor.is_known_as(_GIVE_CONNECTIONS_AWAY):
        return None
    peer = f"{event.address} port {event.port}" if event.address else f"port {event.port}"
    return f"{actor.tool} talks to {peer} as to a terminal"


@rule(
    "RL010",
    "Netcat gives a shell away",
    score=8,
    needs=("exec",),
    tools=NETCATS,
    mitre=("TA0002", "T1059"),
    falco=("Netcat Remote Code Execution in Container", "Netcat/Socat Remote Code Execution on Host"),
    on_nodes=True,
)
def netcat_runs_commands(event: Executed, actor: Actor) -> str | None:
    """netcat or socat was started so that the other end runs commands here.

    Everyone who is at the other end has a shell in the container, without a password.

    First:
    - Cut the connection: a NetworkPolicy that denies the pod's egress.
    - Read what was run: the events of the container since then.
    - Take netcat and socat out of the image.

    False positives: health checks that are written with socat.
    """
    for word in event.arguments[1:]:
        is_option = word.startswith("-") and not word.startswith("--") and ("e" in word or word.endswith("c"))
        is_long = word.startswith(("--exec", "--sh-exec", "--lua-exec"))
        is_address = word.lower().startswith(("exec:", "system:"))
        if is_option or is_long or is_address or word.rpartition("/")[2] in SHELLS:
            return f"{actor.tool} gives a program to the other end: {line_of(event.arguments)}"
    return None


@rule(
    "RL050",
    "Looking around",
    score=4,
    needs=("exec",),
    tools=_LOOK_AROUND,
    mitre=("TA0007", "T1082"),
    falco=("Basic Interactive Reconnaissance",),
)
def looking_around(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """Several tools to look around ran one after another.

    Those who get in first look at where they are: who am I, which kernel, which network, which processes.

    First:
    - Look at the chain: whose shell is it.
    - Look at what follows: the other alerts of the container.
    - Take the right `create pods/exec` away from those who need no shell.

    False positives: debugging by a person through `kubectl exec`, which is left out.
    """
    if actor.has_entered or (known is not None and known.ran_so(event)):
        return None
    count = actor.distinct("looking around", actor.tool)
    return "four tools to look around ran within a minute" if count == ENOUGH else None
