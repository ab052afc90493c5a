"""The history of a shell was linked to /dev/null or renamed, so that nothing stays in it.

Commands that are typed from then on leave no evidence, and the file still seems to be there.

First:
- Look at what the container did before: the events say what the history does not.
- Look at the chain, and find whose session it was.
- Treat the container as taken over.

False positives: images that switch histories off in their build do so before they run.

See: https://attack.mitre.org/techniques/T1070/003/
"""

from leadline.model.event import Linked
from leadline.runtime.names import SHELL_HISTORIES
from leadline.runtime.rule import Actor, rule


@rule(
    "RL016",
    "History of a shell linked away",
    score=5,
    needs=("exec", "link"),
    mitre=("TA0005", "T1070.003"),
    on_nodes=True,
)
def history_linked(event: Linked, actor: Actor) -> str | None:
    return (
        f"{actor.tool} linked {event.path} to {event.target}"
        if event.path.endswith(SHELL_HISTORIES)
        else None
    )
