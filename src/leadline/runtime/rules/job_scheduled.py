"""A job was scheduled: cron, at, or a timer or service of systemd.

What is scheduled comes back after every clean-up. On a mounted root of the node it runs on the node, as root.

First:
- Look at what was written, and remove it.
- Look at whether the path is one of the node, and take the node out of service if so.
- Use a CronJob of Kubernetes for jobs, and a read-only root for containers.

False positives: packages that are installed, and images that write their crontab when they start.

See: https://attack.mitre.org/techniques/T1053/003/
"""

from leadline.model.event import Opened
from leadline.runtime.names import PACKAGE_MANAGERS
from leadline.runtime.rule import Actor, Baseline, rule

_FOLDERS = (
    "/etc/cron",
    "/var/spool/cron",
    "/var/spool/at/",
    "/etc/systemd/system/",
    "/lib/systemd/system/",
    "/etc/init.d/",
    "/etc/rc.local",
    "/etc/anacrontab",
    "/etc/kubernetes/manifests/",
    "/etc/update-motd.d/",
)
_RUNS_THEM = frozenset({"cron", "crond", "anacron", "atd", "run-parts"})


@rule(
    "RL026",
    "Job scheduled",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1053.003"),
    falco=("Schedule Cron Jobs",),
    on_nodes=True,
)
def job_scheduled(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not any(folder in path for folder in _FOLDERS):
        return None
    if (
        actor.is_known_as(PACKAGE_MANAGERS)
        or actor.is_known_as(_RUNS_THEM)
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} wrote {path}"
