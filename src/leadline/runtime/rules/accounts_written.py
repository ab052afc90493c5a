"""/etc/passwd, /etc/shadow or the rules of sudo were written by a program that does not own them.

One line there makes an account root, or a password empty. Tools for accounts check what they write;
an attacker writes the line.

First:
- Compare the file with that of the image: a user with the number 0, an empty password, NOPASSWD.
- Look at whether the path is one of the node, and take the node out of service if so.
- Set `readOnlyRootFilesystem: true`, and run the container as a user that cannot write there.

False positives: start scripts that write their user's line, as images for arbitrary users do; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1136/001/
"""

from leadline.model.event import Opened
from leadline.runtime.names import LOGIN_PROGRAMS, PACKAGE_MANAGERS, is_sensitive
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
    path = event.path
    if "/etc/" not in path or not (path.endswith(_PROGRAM_FILES) or is_sensitive(path)):
        return None
    tool = actor.tool
    if tool in LOGIN_PROGRAMS or tool in PACKAGE_MANAGERS or (known is not None and known.opened(path)):
        return None
    return f"{tool} wrote {path}"
