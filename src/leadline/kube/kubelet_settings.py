"""The settings of a kubelet that hold: of its flags, its configuration file, its drop-ins, and its own defaults.

A flag goes before the file, a drop-in before what is before it, and the kubelet's defaults fill the rest. Without a
configuration file other, older defaults hold. In a file a duration of zero represents the default; as a flag it is zero.
Sources: pkg/kubelet/apis/config/v1beta1/defaults.go and cmd/kubelet/app/options/options.go of Kubernetes (1.30 to 1.36 agree in
what is read here); https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from leadline.model.kubelet_setting import Setting, SettingOrigin, SettingValue

Kind = Literal["bool", "int", "text", "list", "duration", "gates"]


class SettingRule(Struct, frozen=True):
    """How one setting is written, and what holds where it is not."""

    name: str
    """In the configuration file: ``authentication.anonymous.enabled``; empty for what is a flag alone."""
    flag: str
    """Empty for what no flag sets."""
    kind: Kind
    default: SettingValue
    without_file: SettingValue | None = None
    """The default where no configuration file is named, if it is another."""


SETTINGS = (
    SettingRule("authentication.anonymous.enabled", "anonymous-auth", "bool", False, without_file=True),
    SettingRule("authentication.x509.clientCAFile", "client-ca-file", "text", ""),
    SettingRule("authorization.mode", "authorization-mode", "text", "Webhook", without_file="AlwaysAllow"),
    SettingRule("eventRecordQPS", "event-qps", "int", 50),
    SettingRule("featureGates", "feature-gates", "gates", {}),
    SettingRule("hostnameOverride", "hostname-override", "text", ""),
    SettingRule("makeIPTablesUtilChains", "make-iptables-util-chains", "bool", True),
    SettingRule("podPidsLimit", "pod-max-pids", "int", -1),
    SettingRule("protectKernelDefaults", "protect-kernel-defaults", "bool", False),
    SettingRule("readOnlyPort", "read-only-port", "int", 0, without_file=10255),
    SettingRule("rotateCertificates", "rotate-certificates", "bool", False),
    SettingRule("seccompDefault", "seccomp-default", "bool", False),
    SettingRule("serverTLSBootstrap", "rotate-server-certificates", "bool", False),
    SettingRule("staticPodPath", "pod-manifest-path", "text", ""),
    SettingRule("streamingConnectionIdleTimeout", "streaming-connection-idle-timeout", "duration", "4h0m0s"),
    SettingRule("tlsCertFile", "tls-cert-file", "text", ""),
    SettingRule("tlsCipherSuites", "tls-cipher-suites", "list", []),
    SettingRule("tlsMinVersion", "tls-min-version", "text", ""),
    SettingRule("tlsPrivateKeyFile", "tls-private-key-file", "text", ""),
)
FLAG_ALONE = frozenset({"hostnameOverride"})
"""Of no configuration file: named here as one would be."""
_ZERO_IS_DEFAULT = frozenset({"authorization.mode", "streamingConnectionIdleTimeout"})
_TRUE = ("true", "t", "1")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_ZERO = re.compile(r"[+-]?(?:0+(?:\.0*)?(?:h|m|s|ms|us|µs|ns)?)+")
Source = tuple[SettingOrigin, str, Mapping[str, Any]]
"""``file`` or ``drop-in``, its path, and what it holds."""


def flags_in(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The flags of a command line by name, each value they are given; ``true`` for a bare one."""
    found: dict[str, tuple[str, ...]] = {}
    for position, word in enumerate(words):
        if not word.startswith("-") or not word.strip("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            following = words[position + 1] if position + 1 < len(words) else "-"
            value = following if not following.startswith("-") else "true"
        name = name.replace("_", "-")
        found[name] = (*found.get(name, ()), value.strip("\"'"))
    return found


def settings_that_hold(
    words: Sequence[str], sources: Sequence[Source] | None, version: str
) -> tuple[Setting, ...]:
    """Every setting of ``SETTINGS`` that can be said.

    ``words`` are the command line; ``sources`` the configuration file and then its
    drop-ins, in their order, empty where none is named, ``None`` where one could not be read. Then only flags are known.
    """
    flags = flags_in(words)
    return tuple(setting for rule in SETTINGS for setting in _holding(rule, flags, sources, version))


def settings_of_configz(body: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Those that a kubelet says it has: its answer to ``/configz``, in which flags, files and defaults are one."""
    config = body.get("kubeletconfig")
    found = []
    for rule in SETTINGS:
        if rule.name in FLAG_ALONE or not isinstance(config, dict):
            continue
        value = typed(rule, _at(config, rule.name))
        # What is empty is left out of the answer.
        found.append(Setting(rule.name, _empty(rule) if value is None else value, "configz", "/configz"))
    return tuple(found)


def is_zero(duration: SettingValue) -> bool:
    """Whether a duration as Go writes it, ``0s``, is none."""
    return duration == 0 or (isinstance(duration, str) and _ZERO.fullmatch(duration) is not None)


def _holding(
    rule: SettingRule,
    flags: Mapping[str, tuple[str, ...]],
    sources: Sequence[Source] | None,
    version: str,
) -> Iterator[Setting]:
    given = flags.get(rule.flag) if rule.flag else None
    of_files = None if rule.name in FLAG_ALONE else _of_files(rule, sources)
    if given is not None:
        value = _of_flag(rule, given)
        if value is not None:
            if isinstance(value, dict) and of_files is not None and isinstance(of_files.value, dict):
                value = {**of_files.value, **value}
            yield Setting(rule.name, value, "flag", f"--{rule.flag}")
            return
    if rule.name in FLAG_ALONE:
        yield Setting(rule.name, rule.default, "default", _kubelet(version))
        return
    if sources is None:
        return
    if of_files is not None:
        yield of_files
    else:
        default = rule.default if sources or rule.without_file is None else rule.without_file
        by = _kubelet(version) if sources else f"{_kubelet(version)} without a configuration file"
        yield Setting(rule.name, default, "default", by)


def _of_files(rule: SettingRule, sources: Sequence[Source] | None) -> Setting | None:
    found: Setting | None = None
    for origin, path, body in sources or ():
        value = typed(rule, _at(body, rule.name))
        if value is None or (rule.name in _ZERO_IS_DEFAULT and (value == "" or is_zero(value))):
            continue
        if isinstance(value, dict) and found is not None and isinstance(found.value, dict):
            value = {**found.value, **value}
        found = Setting(rule.name, value, origin, path)
    return found


def _of_flag(rule: SettingRule, given: tuple[str, ...]) -> SettingValue | None:
    last = given[-1]
    match rule.kind:
        case "bool":
            return last.lower() in _TRUE
        case "int":
            return int(last) if _NUMBER.fullmatch(last) else None
        case "list":
            return _items(given)
        case "gates":
            pairs = (item.partition("=") for item in _items(given))
            return {name: value.lower() in _TRUE for name, _, value in pairs}
        case _:
            return last


def _items(given: Iterable[str]) -> list[str]:
    return [item.strip() for value in given for item in value.split(",") if item.strip()]


def typed(rule: SettingRule, value: Any) -> SettingValue | None:
    """``value`` where it is of the setting's kind; of another the kubelet would not start."""
    match rule.kind:
        case "bool":
            return value if isinstance(value, bool) else None
        case "int":
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case "list":
            return [v for v in value if isinstance(v, str)] if isinstance(value, list) else None
        case "gates":
            if not isinstance(value, dict):
                return None
            return {str(name): on for name, on in value.items() if isinstance(on, bool)}
        case _:
            return value if isinstance(value, str) else None


def _empty(rule: SettingRule) -> SettingValue:
    empty: Mapping[Kind, SettingValue] = {
        "bool": False,
        "int": 0,
        "list": [],
        "gates": {},
        "text": "",
        "duration": "0s",
    }
    return empty[rule.kind]


def _at(body: Mapping[str, Any], name: str) -> Any:
    value: Any = body
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _kubelet(version: str) -> str:
    return f"kubelet {version}" if version else "kubelet"
