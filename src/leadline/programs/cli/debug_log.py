"""The log of ``--debug``."""

import logging
import sys

from leadline.outputs.plain import plain_lines
from leadline.outputs.redaction.shapes import redacted_text
from leadline.outputs.redaction.values import SecretValues


def log_to_stderr(secrets: SecretValues) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(safe_formatter(secrets))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])


def safe_formatter(secrets: SecretValues) -> logging.Formatter:
    """Writes a log without ``secrets``, tracebacks included."""
    return _SafeFormatter(secrets)


class _SafeFormatter(logging.Formatter):
    """Tracebacks repeat what is scanned; names that may hold anything steer no terminal and no pipeline's log."""

    def __init__(self, secrets: SecretValues) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(self._secrets.hide(redacted_text(super().format(record))))
