"""Names in the log the rules that fail and those that are slow: each once, until it is another rule."""

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


class FaultyRules:
    def __init__(self) -> None:
        self._slow: set[str] = set()
        self._failed: set[str] = set()

    def name(self, slow: Mapping[str, str], failed: Mapping[str, str]) -> None:
        """Rules and why, as of now; own rules that were replaced are in neither."""
        for rule in sorted(slow.keys() - self._slow):
            log.warning("rule %s is too slow: %s", rule, slow[rule])
        for rule in sorted(failed.keys() - self._failed - slow.keys()):
            log.warning("rule %s failed on an event, and is asked on: %s", rule, failed[rule])
        self._slow, self._failed = set(slow), set(failed)
