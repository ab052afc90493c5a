"""A tool fetched a file to where every user can write, or straight into a shell.

The first step after most ways in is to fetch the real tool. What is fetched into a shell never is a
file that a scanner could look at.

First:
- Look at the address, and fetch the file yourself on a machine that is made for it.
- Look at whether it ran: other alerts of the container at that time.
- Close egress by a NetworkPolicy.

False positives: start scripts that fetch settings; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1105/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import DOWNLOADERS, SHELLS, is_shell, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_INTO_SHELL = re.compile(
    r"\b(?:curl|wget|fetch|busybox\s+wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|a|z|k)?sh\b|\b(?:sh|bash|source|\.|eval)\s+[<\"]?[<$]\(\s*(?:curl|wget)|"
    r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:\S*/)?(?:python|perl|ruby|php|node)"
)
_PLACES = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/tmp", "/dev/shm")


@rule(
    "RL038",
    "File fetched from elsewhere",
    score=4,
    needs=("exec",),
    tools=DOWNLOADERS | SHELLS,
    mitre=("TA0011", "T1105"),
    falco=(
        "Launch Ingress Remote File Copy Tools in Container",
        "Network Tool Executed During NPM Package Install",
    ),
)
def download(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    words = event.arguments
    if len(words) < 2 or (known is not None and known.ran_so(event)):
        return None
    if is_shell(actor.tool):
        line = actor.line
        if "curl" not in line and "wget" not in line and "fetch" not in line:
            return None
        return (
            f"what was fetched goes straight into a shell: {line_of(words)}"
            if _INTO_SHELL.search(line)
            else None
        )
    targets = (word for word in words[1:] if not word.startswith(("http:", "https:", "ftp:")))
    is_shared = any(place in word for word in targets for place in _PLACES[:4]) or event.folder.startswith(
        _PLACES[4:]
    )
    return f"{line_of(words)} ran" if is_shared else None
