"""A file was opened that the container did not open while it was learned.

An attacker who has code in a container reads what its program never needed: settings, data of
others, passwords.

First:
- Look at which program opened it, and what else that program did.
- If the path holds credentials or settings, treat them as read.
- Accept the folder in a waiver where the application walks through it.

False positives: many: caches, time zones, plug-ins that are loaded seldom. Therefore this rule is off unless you ask for it.

See: https://attack.mitre.org/techniques/T1005/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule

_FOLDERS = (
    "/etc/", "/var/log/", "/run/", "/var/run/", "/var/spool/cron/", "/var/www/", "/var/lib/", "/opt/", "/usr/local/", "/app/",
    "/.dockerenv", "/proc/self/environ",
)  # fmt: skip


@rule(
    "R0002",
    "Files Access Anomalies in container",
    score=1,
    needs=("exec", "open"),
    mitre=("TA0009", "T1005"),
    is_on=False,
    falco=("Write below etc", "Write below monitored dir", "Read Shell Configuration File"),
)
def unexpected_file(event: Opened, actor: Actor, known: Baseline) -> str | None:
    path = event.path
    if not path.startswith(_FOLDERS) or "/serviceaccount/" in path or known.opened(path):
        return None
    return f"{actor.tool} opened {path} for the first time"
