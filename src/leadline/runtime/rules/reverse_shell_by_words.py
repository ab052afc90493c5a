"""A shell or an interpreter was started with the words of a reverse shell.

It connects to the attacker and takes commands from there, so that no port has to be open and most
firewalls let it pass.

First:
- Cut the connection: a NetworkPolicy that denies the pod's egress.
- Read what was run: the events of the container since then.
- Find the way in: the process that started it, and the requests of that moment.

False positives: hardly any; tests of tools for attackers.

See: https://attack.mitre.org/techniques/T1059/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import INTERPRETERS, SHELLS, line_of
from leadline.runtime.rule import Actor, rule

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
    if len(event.arguments) < 2:
        return None
    if not _HINTS.search(actor.line):
        return None
    words = _OF_SHELLS if actor.tool in SHELLS else _OF_INTERPRETERS
    if not words.search(actor.line):
        return None
    return f"{actor.tool} ran the words of a reverse shell: {line_of(event.arguments)}"
