"""Flags that people bring from other scanners of Kubernetes: taken as ours where they ask the same, else answered with ours.

A page of the documentation site is written from these tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from shlex import join
from types import MappingProxyType

import click

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES
from leadline.programs.cli.options.configured import ConfiguredCommand

SAME: Mapping[str, str] = MappingProxyType(
    {
        "--skip-controls": "--exclude-controls",
        "--skip-check": "--exclude-controls",
        "--skip-path": "--exclude-path",
        "--skip-dirs": "--exclude-path",
        "--skip-files": "--exclude-path",
        "--custom-rules": "--controls",
        "--external-checks-dir": "--controls",
        "--config-check": "--controls",
        "--hard-fail-on": "--fail-on",
        "--output-file-path": "--output",
        "--helm-values": "--values",
        "--helm-set": "--set",
        "--helm-set-string": "--set-string",
        "--helm-kube-version": "--kube-version",
        "--helm-api-versions": "--api-versions",
    }
)
"""With a value, which is taken as that of ours."""
DONE: Mapping[str, str] = MappingProxyType(
    {
        "--compact": "output is short unless -v is given",
        "--keep-local": "nothing leaves this machine",
        "--no-guide": "no links are looked up",
        "--no-progress": "progress is shown to a terminal alone",
        "--show-evidence": "the place of each finding is always shown",
        "-E": "the place of each finding is always shown",
        "--skip-db-update": "nothing is downloaded for a scan",
        "--skip-download": "nothing is downloaded for a scan",
        "--skip-policy-update": "controls are part of the program",
        "--skip-check-update": "controls are part of the program",
        "--soft-fail": "without a gate, findings do not change the exit code",
        "-s": "without a gate, findings do not change the exit code",
        "--use-default": "controls are part of the program",
    }
)
"""Without a value, and left away: it is so already."""
NOT_HERE: Mapping[str, str] = MappingProxyType(
    {
        "--access-key": "LEADLINE_SUBMIT_TOKEN holds the token of --submit",
        "--account": "--submit-account UUID names it; with our own provider the address of --submit names the source",
        "--cluster-name": "--context names the cluster",
        "--compliance": "leadline scan framework nsa, cis-v1.12.0, pss-baseline …; leadline list frameworks shows all",
        "--config-file": "--config takes a leadline.toml; leadline config init writes one",
        "--download-external-modules": "charts and kustomizations are rendered from what is on the disk",
        "--enable-host-scan": "a scan reads objects; what needs the node is listed by --verbose-coverage",
        "--fail-coverage-below": "--fail-on unread",
        "--fail-threshold": "--compliance-threshold, which fails on a score below it",
        "-t": "--compliance-threshold, which fails on a score below it",
        "--hide": "reports hold no values of secrets",
        "--host-scan": "a scan reads objects; what needs the node is listed by --verbose-coverage",
        "--ignore-unfixed": "leadline scan image --ignore-unfixed, for vulnerabilities",
        "--ignorefile": "--exceptions takes a file of waivers, --exclude-path leaves files out",
        "--include-controls": "leadline scan control C-0057,C-0016 PATH",
        "--include-kinds": "leadline scan workload Deployment/web for one object; --include-namespaces",
        "--exclude-kinds": "--exclude-controls, --exclude-namespaces and --exclude-path leave things out",
        "--label-selector": "--include-namespaces; leadline scan workload Deployment/web for one object",
        "--logger": "-q for errors alone, --debug for a log",
        "-l": "-q for errors alone, --debug for a log",
        "--list": "leadline list controls",
        "--max-severity": "--min-severity",
        "--misconfig-scanners": "leadline scan PATH reads manifests, charts and kustomizations alike",
        "--no-ignore-file": "--exclude-path '!folder' takes in again what an ignore file leaves out",
        "--only-fixable": "leadline scan image --ignore-unfixed, for vulnerabilities",
        "--report": "-v shows every finding; without it a summary",
        "--scan-images": "leadline scan image takes one or several images, or what a cluster runs",
        "--scanners": "leadline scan PATH for configuration; leadline scan image, with --scanners vuln,secret or vuln",
        "--server": "--submit https://HOST/SOURCE sends a report",
        "--soft-fail-on": "--fail-on SEVERITY fails on that severity and above",
        "--timeout": "-q, and the time limit of your pipeline",
        "--trace": "--debug",
        "--use-artifacts-from": "controls are part of the program; --framework-file and --controls bring your own",
        "--use-from": "--framework-file and --controls bring your own; the others are part of the program",
        "--var-file": "--values for charts",
        "--view": "-v shows every finding; without it problems are shown together",
    }
)
"""Refused, with what there is instead."""
_KINDS_OF_FILES = frozenset({"kubernetes", "helm", "kustomize", "all"})
_FORMATS = {
    **dict.fromkeys(("json", "sarif", "csv", "html", "markdown", "junit", "yaml", "prometheus"), ""),
    "cli": "pretty",
    "table": "pretty",
    "text": "lines",
    "junitxml": "junit",
    "gitlab_sast": "gitlab-sast",
    "github_failed_only": "github",
}
"""What others name after ``-o`` without meaning a file; empty where ours is called so."""
_FILES = "leadline scan {paths}"
_CLUSTER = "leadline scan, which scans the cluster of the current context"
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("config", "conf", "fs", "filesystem", "lint", "score", "check", "audit", "test"), _FILES
        ),
        **dict.fromkeys(("validate", "analyze", "misconfig", "rootfs", "vm"), _FILES),
        **dict.fromkeys(("k8s", "kubernetes", "cluster", "node"), _CLUSTER),
        **dict.fromkeys(
            ("repo", "repository"),
            "leadline scan {paths}, which takes a path or an address as https://git.example/shop@main",
        ),
        "sbom": "leadline image sbom {paths}, or leadline scan image {paths} for one that is made",
        **dict.fromkeys(("images", "vuln"), "leadline scan image {paths}"),
        "dashboard": "leadline scan {paths} -f html -o report.html",
        "webhook": "leadline admission",
        "download": "leadline db update, which fetches the vulnerability database; controls are part of the program",
        "update": "leadline db update, which fetches the vulnerability database; pip or your package manager updates the program",
        "vap": "leadline admission, which judges what is about to be written to a cluster",
        "patch": "leadline fix {paths}, which edits manifests; it changes no package of an image",
        "submit": "leadline scan --submit https://HOST/SOURCE",
        "exceptions": "leadline waiver list FILE",
        "ignore": "leadline waiver add",
        "frameworks": "leadline list frameworks",
        "controls": "leadline list controls",
        "checks": "leadline list controls",
        "docs": "leadline explain C-0057",
        "init": "leadline config init",
        "server": "leadline apiserver, which serves stored results",
        "operator-scan": "leadline operator",
    }
)
"""Commands of other tools, with ours and what it does; ``{paths}`` is what was named after them."""


def command_of(words: Sequence[str]) -> str:
    """``use leadline scan deploy/`` for ``lint deploy/``; empty where no other tool has such a command.

    Flags stay, since without a list of those of the other tool a value looks like a path; ours answer them.
    """
    there = ELSEWHERE.get(words[0], "")
    is_named = any(not word.startswith("-") for word in words[1:])
    return f"use {there.format(paths=join(words[1:]) if is_named else 'PATH')}" if there else ""


SPECIAL: Mapping[str, str] = MappingProxyType(
    {
        "-d DIR, --directory DIR, --file FILE": "`leadline scan DIR`",
        "--framework kubernetes, helm, kustomize, all": "left away: every kind of file is read",
        "--framework NAME": "`leadline scan framework NAME`",
        "-c IDS, --check IDS": "`leadline scan control IDS`",
        "--severity HIGH,CRITICAL": "`--min-severity high`",
        "--exit-code 1": "`--severity-threshold` of the severity that is shown",
        "--format-version v2": "left away: it is the version that is written",
        "-o json, -o cli …": "`-f json`, `-f pretty` …",
    }
)
"""What ``translated`` does by itself, for the documentation."""
_WITH_VALUE = ("-d", "--directory", "--file", "--framework", "-c", "--check", "--severity", "--exit-code")


class HabitualCommand(ConfiguredCommand):
    """Reads the flags of other scanners as its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_value = {
            name: not option.is_flag
            for option in self.params
            if isinstance(option, click.Option)
            for name in option.opts
        }
        return super().parse_args(ctx, translated(args, takes_value))


def translated(words: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
    """``words`` with our flags in place of others'. ``takes_value`` has every flag of ours.

    Raises: ``UsageError`` for a flag that is answered, or a value that cannot be taken.
    """
    known = {*takes_value, *SAME, *DONE, *NOT_HERE, *_WITH_VALUE, "--format-version"}
    if not any(word.partition("=")[0] in known - takes_value.keys() or word == "-o" for word in words):
        return list(words)
    return _Translation(takes_value).of(words)


class _Translation:
    """One command line on its way."""

    def __init__(self, takes_value: Mapping[str, bool]) -> None:
        self._takes_value = takes_value
        self._form: list[str] = []
        self._least = ""
        self._exits = False

    def of(self, words: Sequence[str]) -> list[str]:
        rest = iter(words)
        out: list[str] = []
        for word in rest:
            if word == "--":
                out += [word, *rest]
                break
            out += self._taken(word, rest)
        is_gated = any(word.partition("=")[0] in ("--severity-threshold", "--fail-on") for word in out)
        gate = [] if is_gated or not self._exits else ["--severity-threshold", self._least or "low"]
        return [*self._form, *gate, *out]

    def _taken(self, word: str, rest: Iterator[str]) -> list[str]:
        flag, has_value, value = word.partition("=")
        if not flag.startswith("-") or flag == "-":
            return [word]
        if flag in self._takes_value:
            if not self._takes_value[flag] or has_value:
                return [word]
            given = next(rest, None)
            if given is not None and flag in ("-o", "--output") and given in _FORMATS:
                return ["--format", _FORMATS[given] or given]
            return [flag] if given is None else [flag, given]
        if flag in DONE or (flag in NOT_HERE and value == "false"):
            return []
        if flag in NOT_HERE and value != "false":
            raise UsageError(f"no flag {flag}", hint=NOT_HERE[flag])
        if flag in SAME or flag in _WITH_VALUE or flag == "--format-version":
            value = value if has_value else next(rest, "")
            if not value:
                raise UsageError(f"{flag} needs a value")
            return [SAME[flag], value] if flag in SAME else self._special(flag, value)
        return [word]

    def _special(self, flag: str, value: str) -> list[str]:
        match flag:
            case "-d" | "--directory" | "--file":
                return [value]
            case "--framework":
                if not set(value.lower().split(",")) <= _KINDS_OF_FILES:
                    self._form = ["framework", value]
            case "-c" | "--check":
                self._form = ["control", value]
            case "--severity":
                self._least = _least(value)
                return ["--min-severity", self._least]
            case "--exit-code":
                if value not in ("0", "1"):
                    raise UsageError(
                        f"--exit-code {value} is not there",
                        hint="a failed gate exits with 1: --severity-threshold high",
                    )
                self._exits = value == "1"
            case _:
                if value != "v2":
                    raise UsageError(
                        f"--format-version {value} is not written", hint="--format json is of version v2"
                    )
        return []


def _least(value: str) -> str:
    """The lowest of several severities that reach up to the top.

    Raises: ``UsageError`` where one between is left out.
    """
    named = {word.strip().lower() for word in value.split(",")}
    wanted = SEVERITIES[: max((SEVERITIES.index(s) for s in named if s in SEVERITIES), default=0) + 1]
    if not named <= set(SEVERITIES) or named != set(wanted):
        raise UsageError(
            f"--severity {value} is not there", hint="--min-severity SEVERITY shows it and all above"
        )
    return wanted[-1]
