"""A web server or database started a tool that servers do not need.

A server that was broken into starts what the attacker asks for: it looks around, fetches tools and
reads accounts. By itself it starts none of these.

First:
- Read the arguments of the tool, and look at the requests of that moment.
- Look for files that were written below the folders of the server.
- Isolate the pod by a NetworkPolicy, keep it for evidence, and fix the way in.

False positives: back-up hooks of databases; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1190/
"""

from leadline.model.event import Executed
from leadline.runtime.names import DATABASES, DOWNLOADERS, NETWORK_TOOLS, SERVERS, is_one_of, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_TOOLS = (
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


@rule(
    "RL005",
    "Server started an unexpected tool",
    score=7,
    needs=("exec",),
    tools=_TOOLS,
    mitre=("TA0001", "T1190"),
    falco=("DB program spawned process", "Web Server Spawned Suspicious Child Process"),
)
def child_of_server(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
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
