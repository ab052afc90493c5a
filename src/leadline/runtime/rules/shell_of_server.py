"""A server started a shell.

Web servers and databases seldom need one. Where it happens someone has made the server run commands: an injection, a web shell, a fault in a plug-in.

First:
- Read the arguments of the shell and what it started.
- Look at the requests that the server answered at that moment.
- Isolate the pod by a NetworkPolicy, keep it for evidence, and fix the way in.

False positives: servers whose own scripts use a shell, such as CGI programs; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1505/003/
"""

from leadline.model.event import Executed
from leadline.runtime.names import DATABASES, SERVERS, SHELLS, is_one_of, line_of
from leadline.runtime.rule import Actor, Baseline, rule


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
    parent = actor.parent_tool
    if not (is_one_of(parent, SERVERS) or is_one_of(parent, DATABASES)) or (
        known is not None and known.ran_so(event)
    ):
        return None
    # A server that is process 1 may be the shell's script that became it.
    return f"{parent} started a shell: {line_of(event.arguments)}"
