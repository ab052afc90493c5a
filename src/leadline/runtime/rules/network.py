"""Connections that tools make, and files that they carry."""

from leadline.model.event import OUTGOING, Connected, Executed, Requested, SshGreeted
from leadline.runtime.names import ACCOUNT_TOOLS, COPIERS, NETCATS, NETWORK_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_SYSTEM_TOOLS = (
    frozenset(
        {
            "ls",
            "cat",
            "cp",
            "mv",
            "rm",
            "mkdir",
            "touch",
            "chmod",
            "chown",
            "date",
            "df",
            "du",
            "echo",
            "head",
            "tail",
            "sort",
            "uniq",
            "wc",
            "cut",
            "tr",
            "sleep",
            "true",
            "false",
            "uname",
            "pwd",
            "ln",
            "stat",
            "tee",
            "kill",
            "ps",
            "top",
        }
    )
    | ACCOUNT_TOOLS
)


@rule(
    "RL036",
    "Network tool ran in a container",
    score=4,
    needs=("exec",),
    tools=NETWORK_TOOLS,
    mitre=("TA0007", "T1046"),
    falco=("Launch Suspicious Network Tool in Container", "Launch Suspicious Network Tool on Host"),
    on_nodes=True,
)
def network_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A tool to scan, tunnel or listen ran in a container.

    After the way in an attacker looks for other services in the cluster and builds tunnels to them.
    Images of applications do without these tools.

    First:
    - Read the arguments: what was scanned, where a tunnel leads.
    - Look at the chain: a person who looks for a fault, or the application.
    - Take such tools out of images, and isolate the pod by a NetworkPolicy.

    False positives: debugging by a person, and health checks with nc; a complete profile silences them.
    """
    tool = actor.tool
    if known is not None and known.ran(event.path):
        return None
    is_check = tool in NETCATS and any(word.startswith("-") and "z" in word for word in event.arguments[1:3])
    return None if is_check else f"{line_of(event.arguments) or event.path} ran"


@rule(
    "RL037",
    "Tool for remote copies ran in a container",
    score=4,
    needs=("exec",),
    tools=COPIERS,
    mitre=("TA0010", "T1048"),
    falco=("Launch Remote File Copy Tools in Container",),
)
def remote_copy(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A tool that copies files to or from other machines ran in a container.

    Tools and stolen files travel so, encrypted, and look like administration.

    First:
    - Read the arguments: what was copied, to where.
    - Treat what was copied as known to others.
    - Close egress by a NetworkPolicy.

    False positives: backups by rsync or scp; a complete profile silences them.
    """
    if known is not None and known.ran(event.path):
        return None
    return f"{line_of(event.arguments) or event.path} ran"


@rule(
    "R1003",
    "SSH Connection to Unexpected Destination",
    score=5,
    needs=("exec", "traffic"),
    mitre=("TA0008", "T1021.001"),
    falco=("Disallowed SSH Connection Non Standard Port",),
    see="https://attack.mitre.org/techniques/T1021/004/",
)
def ssh_elsewhere(event: SshGreeted, actor: Actor, known: Baseline | None) -> str | None:
    """A container speaks SSH to a port that is not that of SSH.

    Tunnels and back doors do so; sessions of people seldom start in a container at all.

    First:
    - Look at who owns the address, and what started the session.
    - Close egress by a NetworkPolicy.
    - Look for keys and for changes in authorized_keys.

    False positives: Git servers on other ports, bastions. A complete profile silences what was learned.
    """
    if not event.flags & OUTGOING or event.peer_port in (22, 2022) or event.local_port in (22, 2022):
        return None
    # The one that answers has a low port of its own.
    if event.local_port < 32768 or (known is not None and known.connected(event.peer)):
        return None
    return f"{actor.tool} speaks SSH to {event.peer} port {event.peer_port}"


@rule(
    "RL054",
    "Connection by a tool without network",
    score=6,
    needs=("exec", "socket"),
    mitre=("TA0005", "T1036"),
    falco=("System procs network activity",),
    on_nodes=True,
)
def system_tool_on_network(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    """A tool that has nothing to do with networks opened a connection.

    What calls itself `ls` and connects is something else.

    First:
    - Save the program: `/proc/PID/exe`, and look up its SHA-256.
    - Look at who owns the address.
    - Look at the chain: who started it.

    False positives: hardly any; tools that look names of users up in a directory.
    """
    if (
        event.direction not in ("connects", "listens")
        or actor.tool not in _SYSTEM_TOOLS
        or event.port in (53, 389, 636)
    ):
        return None
    if known is not None and known.connected(event.address, event.port):
        return None
    return f"{actor.tool} {event.direction} {event.address} port {event.port or event.local_port}"


@rule(
    "RL055",
    "Java class fetched from elsewhere",
    score=8,
    needs=("exec", "traffic"),
    mitre=("TA0001", "T1190"),
    falco=("Java Process Class File Download",),
    see="https://nvd.nist.gov/vuln/detail/CVE-2021-44228",
)
def class_file_fetched(event: Requested, actor: Actor, known: Baseline | None) -> str | None:
    """A Java program was sent a class file or a serialized object by another server, as Log4Shell does.

    The class is run with the rights of the application: that is how Log4Shell and holes in
    deserialization become code of the attacker.

    First:
    - Look up whether the image holds log4j-core before 2.17: `leadline scan image`.
    - Look at what the program started since.
    - Close egress by a NetworkPolicy: LDAP and RMI to the internet above all.

    False positives: applications that load classes over the network on purpose.
    """
    if not event.flags & OUTGOING or not event.path.partition("?")[0].endswith(".class"):
        return None
    return (
        f"{actor.tool} fetched {event.path} from {event.host or event.peer}"
        if actor.tool.startswith("java")
        else None
    )
