"""Calls of tools: checked, answered one at a time within limits, and written down."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from leadline.errors import LeadlineError
from leadline.foreign_errors import in_words
from leadline.programs.mcp.answer import written
from leadline.programs.mcp.tools import TOOLS
from leadline.scans.answering.evidence import Evidence

log = logging.getLogger(__name__)
MOST_CALLS = 2_000
"""Of one run: an assistant in a loop ends by itself."""
MOST_ARGUMENT_BYTES = 512 << 10
_LOGGED = 500


class Calls:
    def __init__(self, evidence: Evidence, budget: int, log: TextIO) -> None:
        self._evidence = evidence
        self._budget = budget
        self._log = log
        self._tools = {tool.name: tool for tool in TOOLS}
        self._left = MOST_CALLS

    @classmethod
    @contextmanager
    def open(cls, evidence: Evidence, budget: int, log_file: str) -> Iterator["Calls"]:
        """``log_file`` is only added to, and readable by its owner alone; empty for standard error."""
        if not log_file:
            yield cls(evidence, budget, sys.stderr)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(log_file, flags, 0o600), "a", encoding="utf-8") as file:
            yield cls(evidence, budget, file)

    def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """The answer as JSON, and whether it is an error."""
        started = time.monotonic()
        text, is_error = self._answered(name, arguments)
        line = {
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tool": self._evidence.quoting.text(name, 80)["untrusted"],
            "arguments": self._evidence.quoting.text(_json(arguments), _LOGGED)["untrusted"],
            "outcome": "error" if is_error else "answered",
            "bytes": len(text.encode()),
            "milliseconds": round(1e3 * (time.monotonic() - started)),
        }
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()
        return text, is_error

    def _answered(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        tool = self._tools.get(name)
        if tool is None:
            return self._refusal("unknown tool", f"the tools are {', '.join(self._tools)}")
        if self._left <= 0:
            return self._refusal(
                f"more than {MOST_CALLS:,} calls", "a person has to start leadline mcp again"
            )
        self._left -= 1
        try:
            if len(_json(arguments)) > MOST_ARGUMENT_BYTES:
                raise msgspec.ValidationError(f"more than {MOST_ARGUMENT_BYTES >> 10} KiB")
            asked = msgspec.convert(arguments, tool.asks)
            text = written(tool.answer(self._evidence, asked), self._evidence, self._budget)
            self._evidence.keep_names()
            return text.decode(), False
        except LeadlineError as error:
            return self._refusal(str(error.args[0]), error.hint)
        except (msgspec.ValidationError, RecursionError) as error:
            return self._refusal(f"wrong arguments: {in_words(error)}", "tools/list has the schema")
        except Exception:
            log.exception("fault while answering %s", name)
            return self._refusal("a fault of leadline", "its log on standard error has the details")

    def _refusal(self, why: str, hint: str) -> tuple[str, bool]:
        """What an assistant wrote may be in either, so that both are marked."""
        quoting = self._evidence.quoting
        return _json({"error": quoting.text(why, 1_000), "hint": quoting.text(hint, 1_000)}), True


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
