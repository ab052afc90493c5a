"""A setting of a kubelet that holds, for the controls that judge it and for the facts of a node."""

from typing import Literal

from msgspec import Struct

SettingValue = bool | int | float | str | list[str] | dict[str, bool]
SettingOrigin = Literal["flag", "file", "drop-in", "default", "configz"]


class Setting(Struct, frozen=True, rename="camel"):
    """A setting of a kubelet that holds, and what decides it."""

    name: str
    """As its configuration file writes it: ``authentication.anonymous.enabled``."""
    value: SettingValue
    origin: SettingOrigin
    given_by: str
    """``--read-only-port``, the path of a file, ``kubelet v1.36.3``, ``/configz``."""
