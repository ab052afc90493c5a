"""A file was written that every new shell runs.

What is written there runs again with every shell, as the user who opens it: an attacker stays so
after the way in is closed.

First:
- Look at what was added to the file, and take it out.
- Look at who logs in there: on a node every session of an administrator.
- Start the container from its image; set `readOnlyRootFilesystem: true`.

False positives: installers of tools that add their folder to PATH.

See: https://attack.mitre.org/techniques/T1546/004/
"""

from leadline.model.event import Opened
from leadline.runtime.names import PACKAGE_MANAGERS, SHELL_SETTINGS
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL025",
    "Settings of shells written",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1546.004"),
    falco=("Modify Shell Configuration File",),
    on_nodes=True,
)
def shell_settings_written(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not (path.endswith(SHELL_SETTINGS) or "/etc/profile.d/" in path):
        return None
    if actor.is_known_as({*PACKAGE_MANAGERS, "useradd"}) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} wrote {path}"
