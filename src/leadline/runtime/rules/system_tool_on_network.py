"""A tool that has nothing to do with networks opened a connection.

What calls itself `ls` and connects is something else.

First:
- Save the program: `/proc/PID/exe`, and look up its SHA-256.
- Look at who owns the address.
- Look at the chain: who started it.

False positives: hardly any; tools that look names of users up in a directory.

See: https://attack.mitre.org/techniques/T1036/
"""

from leadline.model.event import Connected
from leadline.runtime.names import ACCOUNT_TOOLS
from leadline.runtime.rule import Actor, Baseline, rule

_TOOLS = (
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
    "RL054",
    "Connection by a tool without network",
    score=6,
    needs=("exec", "socket"),
    mitre=("TA0005", "T1036"),
    falco=("System procs network activity",),
    on_nodes=True,
)
def system_tool_on_network(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    if (
        event.direction not in ("connects", "listens")
        or actor.tool not in _TOOLS
        or event.port in (53, 389, 636)
    ):
        return None
    if known is not None and known.connected(event.address, event.port):
        return None
    return f"{actor.tool} {event.direction} {event.address} port {event.port or event.local_port}"
