"""A package manager ran in a container.

An image is complete when it is built. What is installed later was scanned by no one, and is mostly a tool of the one who got in.

First:
- Read the arguments: which packages, from where.
- Look at the chain: a person, or the application.
- Take package managers out of the image, or set `readOnlyRootFilesystem: true`.

False positives: images that install when they start, and build jobs; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1072/
"""

from leadline.model.event import Executed
from leadline.runtime.names import PACKAGE_MANAGERS, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_CHANGES = frozenset(
    {
        "install",
        "add",
        "update",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "i",
        "ci",
        "-i",
        "-U",
        "-S",
        "-Sy",
        "-Syu",
        "--install",
        "localinstall",
        "reinstall",
        "remove",
        "del",
        "purge",
        "in",
        "dup",
    }
)


@rule(
    "RL035",
    "Package manager ran in a container",
    score=4,
    needs=("exec",),
    tools=PACKAGE_MANAGERS | {"python", "node", "ruby"},
    mitre=("TA0002", "T1072"),
    falco=(
        "Launch Package Management Process in Container",
        "Update Package Repository",
        "Write below rpm database",
    ),
)
def packages_installed(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    words = event.arguments
    # pip and npm are scripts of their interpreter.
    is_module = words[1:3] == ("-m", "pip")
    if actor.tool not in PACKAGE_MANAGERS and actor.script not in PACKAGE_MANAGERS and not is_module:
        return None
    if not _CHANGES & set(words) or (known is not None and known.ran(event.path)):
        return None
    return f"{line_of(words)} ran"
