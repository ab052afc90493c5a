"""The settings of a node's kubelet, each with what decides it, as a KubeletInfo holds them."""

from typing import Any, NamedTuple

from leadline.kube.kubelet_settings import SETTINGS, settings_that_hold, typed
from leadline.model.control import NotJudged, Review
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.checks.host_files import facts_root
from leadline.posture.subject import mappings, text

_RULES = {rule.name: rule for rule in SETTINGS}


class HeldSetting(NamedTuple):
    """A setting that holds."""

    name: str
    value: Any
    place: str
    """From the object's root to it."""
    given_by: str
    """``--read-only-port``, the path of a file, ``kubelet v1.36.3``."""
    is_default: bool

    def instead(self, wanted: str) -> Review:
        """What to write in its place."""
        shown = f"{self.value}".lower() if isinstance(self.value, bool) else f"{self.value}"
        now = f"now {shown or 'empty'}, {'by default of' if self.is_default else 'from'} {self.given_by}"
        where = f"set {self.name}: {wanted}"
        if self.given_by.startswith("--"):
            where = f"remove {self.given_by} and set {self.name}: {wanted}"
        return Review(self.place, advice=f"{where} in the kubelet's configuration ({now})"[:500])


def held(node: Resource, name: str) -> HeldSetting:
    """The setting ``name``, as the configuration file writes it.

    Raises: ``NotJudged`` where the facts do not say it.
    """
    root, body = facts_root(node)
    for index, one in mappings(body.get("settings")):
        value = typed(_RULES[name], one.get("value")) if one.get("name") == name else None
        if value is not None:
            place, by = f"{root}.settings[{index}].value", text(one.get("givenBy"))
            return HeldSetting(name, value, place, by, one.get("origin") == "default")
    line = text(body.get("cmdLine"))
    for setting in settings_that_hold(line.split(), None, "") if line else ():
        # Another agent's object holds the command line alone in a form that can be judged.
        if setting.name == name and setting.origin == "flag":
            return HeldSetting(name, setting.value, f"{root}.cmdLine", setting.given_by, is_default=False)
    for _, unread in mappings(body.get("unread")):
        if unread.get("field") in ("configFile", "settings"):
            path, why = text(unread.get("path"))[:500], text(unread.get("why"))[:500]
            reason = Unread(
                f"{node.title}: {path}", why or "not read", "forbidden", hint=text(unread.get("hint"))[:500]
            )
            raise NotJudged(f"{name} of node {node.name} is not known: {path}: {why}", reason)
    raise NotJudged(f"the setting {name} (--{_RULES[name].flag}) is not in the facts of node {node.name}")
