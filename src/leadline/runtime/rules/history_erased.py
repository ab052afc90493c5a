"""The history of a shell was removed, emptied or sent to nowhere.

Commands that were typed are evidence. Who removes them has typed something that should not be seen.

First:
- Look at what the container did before: the events say what the history does not.
- Look at the chain, and find whose session it was.
- Treat the container as taken over.

False positives: image builds and home folders that are cleaned.

See: https://attack.mitre.org/techniques/T1070/003/
"""

from leadline.model.event import Removed
from leadline.runtime.names import SHELL_HISTORIES
from leadline.runtime.rule import Actor, rule


@rule(
    "RL015",
    "History of a shell removed",
    score=5,
    needs=("exec", "remove"),
    mitre=("TA0005", "T1070.003"),
    falco=("Delete or rename shell history",),
    on_nodes=True,
)
def history_erased(event: Removed, actor: Actor) -> str | None:
    if event.what != "file" or not event.path.endswith(SHELL_HISTORIES):
        return None
    return f"{actor.tool} removed {event.path}"
