"""Names in the log the rules that fail and those that were turned off: each once, until it is another rule."""

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


class FaultyRules:
    def __init__(self) -> None:
        self._off: set[str] = set()
        self._failed: set[str] = set()

    def name(self, off: Mapping[str, str], failed: Mapping[str, str]) -> None:
        """Rules and why, as of now; own rules that were replaced are in neither."""
        for rule in sorted(off.keys() - self._off):
            log.warning("rule %s is off: %s", rule, off[rule])
        for rule in sorted(failed.keys() - self._failed - off.keys()):
            log.warning("rule %s failed on an event, and is asked on: %s", rule, failed[rule])
        self._off, self._failed = set(off), set(failed)
