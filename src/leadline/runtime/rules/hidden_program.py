"""A program ran whose file or folder is hidden by its name.

`ls` does not show it. Attackers put their tools in such folders below /tmp and /var/tmp, where
everybody may write.

First:
- Save the file, and look up its SHA-256.
- Look at the folder for what else it holds.
- Look at the chain: who wrote and started it.

False positives: tools that keep programs below a folder of settings such as ~/.local or ~/.nvm, and language servers; those folders are left out.

See: https://attack.mitre.org/techniques/T1564/001/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.rule import Actor, Baseline, rule

_HIDDEN = re.compile(
    r"/\.(?!local/|cache/|nvm/|venv/|cargo/|rustup/|pyenv/|rbenv/|vscode|npm/|yarn/|bun/|deno/|gem/|config/|rvm/|sdkman/|m2/|gradle/|dotnet/|krew/|asdf/|pnpm|virtualenvs/|tox/)[^/]"
)


@rule(
    "RL047",
    "Hidden program ran",
    score=6,
    needs=("exec",),
    mitre=("TA0005", "T1564.001"),
    falco=("Create Hidden Files or Directories",),
    on_nodes=True,
)
def hidden_program(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if (
        "/." not in event.path
        or not _HIDDEN.search(event.path)
        or (known is not None and known.ran(event.path))
    ):
        return None
    return f"{event.path} ran, which is hidden by its name"
