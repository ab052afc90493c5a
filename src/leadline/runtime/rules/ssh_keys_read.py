"""A private key or a file of SSH was read by a program that is not SSH.

With a private key an attacker signs in to other machines as its owner, and nothing there looks
unusual.

First:
- Replace the key, and remove its public half wherever it is authorised.
- Look at the chain, and at what was sent out after.
- Mount keys for the one container that needs them, as files of mode 0400.

False positives: tools that work with keys by themselves, such as Git libraries; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1552/004/
"""

from leadline.model.event import Opened
from leadline.runtime.names import is_private_key, is_written
from leadline.runtime.rule import Actor, Baseline, rule

_OF_SSH = ("ssh", "scp", "sftp", "git", "rsync", "ansible", "dropbear", "libvirtd")


@rule(
    "RL027",
    "Private key read",
    score=6,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.004"),
    falco=("Read ssh information",),
    on_nodes=True,
)
def ssh_keys_read(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if "/.ssh/" not in path and "/id_" not in path and "_key" not in path:
        return None
    if not (
        is_private_key(path) or ("/.ssh/" in path and not path.endswith(("known_hosts", ".pub")))
    ) or is_written(event):
        return None
    if actor.tool.startswith(_OF_SSH) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} read {path}"
