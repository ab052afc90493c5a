"""Log lines without secrets and without anything that steers a terminal or the log of a pipeline."""

import logging

from leadline.outputs.redaction.shapes import redacted_text
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.text.plain import plain_lines


class SafeFormatter(logging.Formatter):
    """Writes a log without ``secrets``, tracebacks included: these and messages of libraries repeat what is scanned, and

    names that others chose. ``form`` as ``logging.Formatter`` takes it.
    """

    def __init__(self, secrets: SecretValues, form: str = "%(levelname)s %(name)s: %(message)s") -> None:
        super().__init__(form)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(self._secrets.hide(redacted_text(super().format(record))))
