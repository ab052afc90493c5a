"""The program that a container starts with was written in the running container.

It runs again with each restart of the container, so the attacker returns without breaking in again.

First:
- Compare it with that of the image: `docker diff`.
- Look at the chain that wrote it.
- Start the container again from its image, and set `readOnlyRootFilesystem: true`.

False positives: images that write their own start script.

See: https://attack.mitre.org/techniques/T1554/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, rule

_NAMES = (
    "/entrypoint.sh",
    "/docker-entrypoint.sh",
    "/entrypoint",
    "/start.sh",
    "/run.sh",
    "/init",
    "/tini",
    "/dumb-init",
)


@rule(
    "RL049",
    "Start program of a container written",
    score=6,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1554"),
    falco=("Modify Container Entrypoint",),
)
def entry_point_changed(event: Opened, actor: Actor) -> str | None:
    if not event.path.endswith(_NAMES) or event.path.count("/") > 3:
        return None
    return f"{actor.tool} wrote {event.path}"
