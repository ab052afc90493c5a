"""``docker leadline IMAGE``: this program as a plugin of Docker's command line, which it finds under the name ``docker-leadline``.

https://docs.docker.com/reference/cli/docker/#plugins, https://github.com/docker/cli/blob/master/cli-plugins/metadata/metadata.go
"""

import json
import os
import sys

from leadline.errors import UsageError
from leadline.programs.cli.main import SERVERS, WRONG_USAGE
from leadline.programs.cli.main import main as run
from leadline.version import __version__

ASKED_WHO_IT_IS = "docker-cli-plugin-metadata"
_WHO_IT_IS = {
    "SchemaVersion": "0.1.0",
    "Vendor": "Leadline",
    "Version": __version__,
    "ShortDescription": "Find what is vulnerable in an image, and what to upgrade",
}


def main() -> int:
    """Answers Docker's question, or runs the command; a first word that is not a command is an image to scan."""
    words = sys.argv[1:]
    if words == [ASKED_WHO_IT_IS]:
        sys.stdout.write(f"{json.dumps(_WHO_IT_IS)}\n")
        return 0
    if words[:1] == ["leadline"]:
        words = words[1:]
    elif "leadline" in words:
        sys.stderr.write(
            "leadline: flags of docker are not read; set DOCKER_HOST=unix://PATH, and write docker leadline IMAGE\n"
        )
        return WRONG_USAGE
    try:
        sys.argv[1:] = _scan(words)
    except UsageError as error:
        sys.stderr.write(f"leadline: {error}; {error.hint}\n")
        return WRONG_USAGE
    return run()


def _scan(words: list[str]) -> list[str]:
    """Raises: ``UsageError`` where the environment names a daemon elsewhere."""
    from leadline.programs.cli.lazy_group import (
        COMMANDS,
    )  # Docker asks every plugin who it is, at each of its starts

    if not words or words[0] in COMMANDS or words[0] in SERVERS or words[0].startswith("-"):
        return words
    if words[0] == "help":
        return words
    from leadline.scans.images.open_image import as_docker_has_it

    return ["scan", "image", as_docker_has_it(words[0], os.environ), *words[1:]]
