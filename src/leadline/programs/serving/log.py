"""The log of a program that lives long: lines on stderr without secrets, for people or as JSON."""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from leadline.outputs.redaction.log import SafeFormatter
from leadline.outputs.redaction.values import SecretValues

_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr(
    secrets: SecretValues | None = None,
    *,
    is_json: bool = False,
    filter: Callable[[logging.LogRecord], bool] | None = None,
) -> None:
    """Shows neither ``secrets``, which may still grow, nor what looks like one. Of HTTP clients only what went wrong."""
    known = SecretValues() if secrets is None else secrets
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines(SafeFormatter(known, "%(message)s")) if is_json else SafeFormatter(known, _LINE)
    )
    if filter is not None:
        handler.addFilter(filter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # Writes a traceback at each try while PostgreSQL is away, which the program says in one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def debug_to_stderr(secrets: SecretValues | None) -> None:
    """Everything, for a command that is run with ``--debug``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter(SecretValues() if secrets is None else secrets))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, safe: logging.Formatter) -> None:
        super().__init__()
        self._safe = safe

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._safe.format(record),
        }
        return orjson.dumps(line).decode()
