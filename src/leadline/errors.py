"""What can go wrong as a whole, each with the exit code it leads to.

::

    LeadlineError
    ├── UsageError        asked for something impossible                    exit 2
    ├── SourceError       the target cannot be reached or read at all       exit 3
    │   ├── ClusterError
    │   ├── RegistryError
    │   └── ManifestError
    ├── DatabaseError     the vulnerability database is absent or too old   exit 3
    ├── StoreError        results could not be written                      exit 3
    └── NotDeliveredError the report did not reach a provider (scans)        exit 5

A part of the target that could not be read is not an error but a value: ``model.Unread``.
"""

GATE_FAILED = 1
"""Exit code of a program that did its work, and whose result is not good enough for a gate."""


class LeadlineError(Exception):
    """One line for the user: what, and where; ``hint`` says what to do about it."""

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}; {self.hint}" if self.hint else message


class UsageError(LeadlineError):
    exit_code = 2


class SourceError(LeadlineError):
    exit_code = 3


class ClusterError(SourceError):
    pass


class RegistryError(SourceError):
    pass


class ManifestError(SourceError):
    pass


class DatabaseError(LeadlineError):
    exit_code = 3


class StoreError(LeadlineError):
    exit_code = 3


class TooLongError(BaseException):
    """What a user wrote was interrupted. Not below ``Exception``, which it may catch."""
