"""The log of ``--debug``."""

import logging
import sys

from leadline.outputs.redaction.log import safe_formatter
from leadline.outputs.redaction.values import SecretValues


def log_to_stderr(secrets: SecretValues) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(safe_formatter(secrets))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])
