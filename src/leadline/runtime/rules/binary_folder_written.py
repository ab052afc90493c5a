"""A file in a folder of programs was written in a running container.

What is started by its name alone is found there: a false `ls` or `sudo` is started by everyone.

First:
- Compare the file with that of the image.
- Look at the chain that wrote it, and at who started it since.
- Set `readOnlyRootFilesystem: true`.

False positives: packages that are installed within the container, and images that write wrappers when they start; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1554/
"""

from leadline.model.event import Opened
from leadline.runtime.names import BINARY_FOLDERS, PACKAGE_MANAGERS
from leadline.runtime.rule import Actor, Baseline, rule

_LIBRARIES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
_WRITERS = frozenset(
    {
        "cp",
        "mv",
        "install",
        "dd",
        "tee",
        "curl",
        "wget",
        "sh",
        "bash",
        "dash",
        "ash",
        "cat",
        "ln",
        "sed",
        "busybox",
    }
)


@rule(
    "RL048",
    "Folder of programs written",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1554"),
    falco=(
        "Write below binary dir",
        "Modify binary dirs",
        "Mkdir binary dirs",
        "Container Drift Detected (open+create)",
    ),
    on_nodes=True,
)
def binary_folder_written(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.startswith((*BINARY_FOLDERS, *_LIBRARIES)) or actor.is_known_as(PACKAGE_MANAGERS):
        return None
    if path.startswith(_LIBRARIES) and actor.tool not in _WRITERS:
        return None
    if (
        path.endswith((".pyc", ".pyo"))
        or "/__pycache__/" in path
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} wrote {path}"
