"""``leadline image verify``: whether images are signed as a policy asks."""

import os

import click

from leadline.errors import UsageError
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.trust_text import is_fine, trust_json, trust_lines
from leadline.programs.cli.image_page import PIPE_WIDTH
from leadline.programs.cli.image_request import ImageRequest, options_of
from leadline.programs.cli.progress import progress
from leadline.programs.cli.terminal import configure_log, width_of
from leadline.scans.images.verify_images import policy_of_key, read_trust_policy, verify_images

_GATE_FAILED = 1


def verify(request: ImageRequest, policy: str, key: str, trusted_root: str) -> int:
    """The exit code. Raises: ``LeadlineError`` of every kind."""
    configure_log(is_debug=request.debug)
    if bool(policy) == bool(key):
        raise UsageError("either --policy or --key says who may sign", hint="--key FILE takes one public key")
    trust = read_trust_policy(policy, trusted_root) if policy else policy_of_key(key)
    names = request.images or (request.image,)
    with progress(f"asking for signatures of {names[0]}", is_wanted=not request.quiet) as display:
        found = verify_images(names, trust, options_of(request, "", display.say))
    if request.format == ("json",):
        click.echo(json_text(trust_json(found)))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=PIPE_WIDTH)
        click.echo("\n".join(trust_lines(found, width, verbose=request.verbose)))
    return 0 if all(map(is_fine, found)) else _GATE_FAILED
