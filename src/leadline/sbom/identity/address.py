"""Addresses of repositories and archives, as they may be shown."""

from leadline.packages.late_pattern import late_pattern

_ACCOUNT = late_pattern(r"(?<=://)[^/@\s]*@")


def public_address(address: str) -> str:
    """Without the account in front of the host and without the query: both are where tokens are."""
    return _ACCOUNT.sub("", address).partition("?")[0]
