"""A program read a file of passwords or rights.

/etc/shadow and its like hold hashes of passwords, sudoers says who becomes root. Programs that sign people in read them; a shell, an interpreter or a web
server has no reason to.

First:
- Look at the chain: who started the program, from which connection or session.
- Change the passwords in the file, those of the node first where its root is mounted.
- Run the container as a user that cannot read the file (`runAsNonRoot`), and take hostPath volumes away.

False positives: configuration management, and backups within the container.

See: https://attack.mitre.org/techniques/T1003/008/
"""

from leadline.model.event import Opened
from leadline.runtime.names import BINARY_FOLDERS, LOGIN_PROGRAMS, is_sensitive
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0010",
    "Unexpected Sensitive File Access",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1005"),
    falco=(
        "Read sensitive file trusted after startup",
        "Read sensitive file untrusted",
        "Directory traversal monitored file read",
    ),
    on_nodes=True,
)
def sensitive_file(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if "/etc/" not in path or not is_sensitive(path) or (known is not None and known.opened(path)):
        return None
    is_of_logins = actor.path.startswith((*BINARY_FOLDERS, "/usr/lib")) and actor.tool in LOGIN_PROGRAMS
    return None if is_of_logins else f"{actor.tool} opened {path}"
