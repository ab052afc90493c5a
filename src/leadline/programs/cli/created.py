"""The moment that a document says it was made."""

import time
from collections.abc import Mapping

from leadline.errors import UsageError


def created(environ: Mapping[str, str]) -> str:
    """Now, or what makes builds reproducible (https://reproducible-builds.org/specs/source-date-epoch/).

    Raises: ``UsageError`` where that is not a number of seconds in the years 1 to 9999.
    """
    written = environ.get("SOURCE_DATE_EPOCH", "")
    try:
        moment = time.gmtime(int(written)) if written else time.gmtime()
        if not 1 <= moment.tm_year <= 9999:
            raise ValueError(moment.tm_year)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH must be seconds since 1970 (got {written[:40]})") from error
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
