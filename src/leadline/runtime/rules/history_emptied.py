"""The history of a shell was emptied.

Commands that were typed are evidence. Who empties the file has typed something that should not be
seen.

First:
- Look at what the container did before: the events say what the history does not.
- Look at the chain, and find whose session it was.
- Treat the container as taken over.

False positives: shells that rewrite their history when they end; they are left out.

See: https://attack.mitre.org/techniques/T1070/003/
"""

from leadline.model.event import Opened
from leadline.runtime.names import SHELL_HISTORIES, is_shell
from leadline.runtime.rule import Actor, rule

_TRUNCATE = 0o1000


@rule(
    "RL017",
    "History of a shell emptied",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1070.003"),
    on_nodes=True,
)
def history_emptied(event: Opened, actor: Actor) -> str | None:
    if not event.open_flags & _TRUNCATE or not event.path.endswith(SHELL_HISTORIES):
        return None
    # bash itself writes it at its end, under its own process.
    return (
        None
        if is_shell(actor.tool) and not event.open_flags & 0o100
        else f"{actor.tool} emptied {event.path}"
    )
