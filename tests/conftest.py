import logging
import os

import pytest
from hypothesis import settings

# A failure that hypothesis finds by chance belongs to whoever looks for it, not to the next submission.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")


class _Faults(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def a_fault_in_a_catalogue_entry_fails_the_test():
    """A control or cataloguer that raises is guarded in the product; here it is a failure."""
    faults = _Faults()
    loggers = [logging.getLogger("leadline.posture.engine"), logging.getLogger("leadline.image.cataloguer")]
    for logger in loggers:
        logger.addHandler(faults)
    yield
    for logger in loggers:
        logger.removeHandler(faults)
    assert not faults.records, "\n".join(logging.Formatter().format(record) for record in faults.records)
