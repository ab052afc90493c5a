"""Starts the language server over standard input and output."""

import gc
import logging
import sys

from leadline.programs.lsp.server import AskedOf, server_of


def serve(asked_of: AskedOf, *, is_trusted: bool) -> int:
    """Until the editor leaves. ``asked_of`` says what is wanted of a folder."""
    # A server lives for days: what a command leaves to its end is collected here.
    gc.enable()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="leadline: %(message)s")
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    # What a control of the user's own prints would be read as a message.
    sys.stdout = sys.stderr
    server = server_of(asked_of, is_trusted=is_trusted)
    try:
        server.start_io(stdin, stdout)
    finally:
        server.end()
    return 0
