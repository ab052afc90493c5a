"""What the files of other scanners leave out or accept: ``.trivyignore``, ``.grype.yaml``, ``.checkov.yaml``, ``.kube-linter.yaml``.

Their formats: https://trivy.dev/latest/docs/configuration/filtering/,
https://github.com/anchore/grype#specifying-matches-to-ignore, https://www.checkov.io/2.Basics/CLI%20Command%20Reference.html,
https://docs.kubelinter.io/#/configuring-kubelinter.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from leadline.sources.of_others import OF_OTHERS
from leadline.sources.yaml.parser import Limits, parse_documents
from leadline.untyped import mappings, text, texts

LARGEST_BYTES = 1 << 20
_LIMITS = Limits(size_bytes=LARGEST_BYTES, documents=1, nodes=100_000, alias_nodes=1_000, depth=30)
_EXPIRES = re.compile(r"\bexp:(\d{4}-\d\d-\d\d)\b")
_PROBLEM = re.compile(
    r"(?:CVE|GHSA|GO|PYSEC|RUSTSEC|OSV|DSA|DLA|USN|ALSA|RHSA|ELSA|NSWG|TEMP)-", re.IGNORECASE
)


class Accepted(Struct, frozen=True, kw_only=True):
    """One thing that is accepted, as the other scanner says it."""

    ids: tuple[str, ...] = ()
    """Its names of checks; empty for every check."""
    vulnerabilities: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    reason: str = ""
    expires: str = ""
    """``2027-01-31``."""
    where: str = ""
    """File and line."""


class Left(Struct, frozen=True):
    """Something without a counterpart."""

    where: str
    what: str
    why: str


class OtherSettings(Struct, kw_only=True):
    """What one file says, or several."""

    skipped: list[tuple[str, str]] = []
    """Checks that are left out everywhere, each with its place."""
    accepted: list[Accepted] = []
    settings: dict[str, Any] = {}
    """By key of ``leadline.toml``."""
    left: list[Left] = []


def read_other(name: str, where: str, content: bytes) -> OtherSettings:
    """What the file called ``name`` says. Never raises: what cannot be read is ``left``."""
    found = OtherSettings()
    if name == ".trivyignore":
        _trivyignore(found, where, content.decode("utf-8", "replace"))
        return found
    documents = parse_documents(content, _LIMITS)
    if not documents:
        return found
    body, problem = documents[0].body, documents[0].problem
    if problem is not None or not isinstance(body, dict):
        why = problem.why if problem is not None else "it is not a mapping"
        found.left.append(Left(where, "the file", why))
        return found
    _READERS[OF_OTHERS[name]](found, where, body)
    return found


def _trivyignore(found: OtherSettings, where: str, text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        id, place = line.partition("#")[0].strip(), f"{where}:{number}"
        expires = _EXPIRES.search(id)
        id = _EXPIRES.sub("", id).split(" ")[0].strip()
        if id:
            found.accepted.append(_by_id(id, place, expires=expires[1] if expires else ""))


def _by_id(id: str, where: str, **said: Any) -> Accepted:
    if _PROBLEM.match(id):
        return Accepted(vulnerabilities=(id,), where=where, **said)
    return Accepted(ids=(id,), where=where, **said)


def _trivyignore_yaml(found: OtherSettings, where: str, body: Mapping[str, Any]) -> None:
    for section, entries in body.items():
        if section not in ("vulnerabilities", "misconfigurations"):
            found.left.append(Left(where, str(section), "accepted secrets and licences are not taken over"))
            continue
        for entry in mappings(entries):
            id = text(entry.get("id"))
            purls = texts(entry.get("purls"))
            said = {
                "paths": tuple(texts(entry.get("paths"))),
                "packages": tuple(filter(None, map(_package_of, purls))),
                "reason": text(entry.get("statement")),
                "expires": str(entry.get("expired_at") or "")[:10],
            }
            if id:
                found.accepted.append(_by_id(id, where, **said))


def _package_of(purl: str) -> str:
    """``zlib`` of ``pkg:deb/debian/zlib@1.2``."""
    return purl.partition("@")[0].partition("?")[0].rpartition("/")[2]


def _grype(found: OtherSettings, where: str, body: Mapping[str, Any]) -> None:
    for entry in mappings(body.get("ignore")):
        package = entry.get("package")
        package = package if isinstance(package, dict) else {}
        beyond = [
            key for key in entry if key not in ("vulnerability", "package", "reason", "include-aliases")
        ]
        beyond += [f"package.{key}" for key in package if key != "name"]
        id, name = text(entry.get("vulnerability")), text(package.get("name"))
        if beyond or not (id or name):
            # Without these limits more would be accepted than was said.
            found.left.append(
                Left(
                    where,
                    f"ignore {id or name or '(nothing)'}",
                    f"{', '.join(beyond) or 'nothing'} is not taken over",
                )
            )
            continue
        found.accepted.append(
            Accepted(
                vulnerabilities=(id,) if id else (),
                packages=(name,) if name else (),
                reason=text(entry.get("reason")),
                where=where,
            )
        )
    if severity := text(body.get("fail-on-severity")).lower():
        _severity(found, where, "fail-on-severity", severity)
    if body.get("only-fixed") is True:
        found.settings["only-fixable"] = True
    _paths(found, where, "exclude", body.get("exclude"))
    _rest(found, where, body, ("ignore", "fail-on-severity", "only-fixed", "exclude"))


def _checkov(found: OtherSettings, where: str, body: Mapping[str, Any]) -> None:
    for id in _listed(body.get("skip-check")):
        found.skipped.append((id, where))
    _paths(found, where, "skip-path", body.get("skip-path"))
    if severities := [id.lower() for id in _listed(body.get("hard-fail-on"))]:
        _severity(found, where, "hard-fail-on", severities[0])
    if checks := _listed(body.get("check")):
        found.left.append(
            Left(
                where,
                f"check {', '.join(checks)}",
                f"leadline scan -c {','.join(checks)} judges by these alone",
            )
        )
    _rest(
        found,
        where,
        body,
        ("skip-check", "skip-path", "hard-fail-on", "check", "compact", "quiet", "framework", "directory"),
    )


def _kube_linter(found: OtherSettings, where: str, body: Mapping[str, Any]) -> None:
    checks = body.get("checks")
    checks = checks if isinstance(checks, dict) else {}
    for id in _listed(checks.get("exclude")):
        found.skipped.append((id, where))
    _paths(found, where, "ignorePaths", checks.get("ignorePaths"))
    known = ("exclude", "ignorePaths", "addAllBuiltIn", "doNotAutoAddDefaults", "include")
    if include := _listed(checks.get("include")):
        found.left.append(
            Left(where, f"checks.include {', '.join(include)}", "every control judges unless it is left out")
        )
    _rest(found, where, {f"checks.{key}": value for key, value in checks.items() if key not in known}, ())
    _rest(found, where, body, ("checks",))


def _severity(found: OtherSettings, where: str, key: str, severity: str) -> None:
    if severity in ("critical", "high", "medium", "low"):
        found.settings["severity-threshold"] = severity
    else:
        found.left.append(
            Left(where, f"{key} {severity}", "--severity-threshold takes critical, high, medium or low")
        )


def _paths(found: OtherSettings, where: str, key: str, value: Any) -> None:
    for path in _listed(value):
        plain = path.removeprefix("./")
        if any(sign in plain for sign in "^$()|+\\") or plain.startswith(("~", "/")):
            found.left.append(Left(where, f"{key} {path}", "write it as in .gitignore into exclude-path"))
        else:
            found.settings.setdefault("exclude-path", []).append(plain)


def _rest(found: OtherSettings, where: str, body: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key, value in body.items():
        if key not in known and value not in (None, False, "", [], {}):
            found.left.append(Left(where, str(key)[:100], "it has no counterpart"))


def _listed(value: Any) -> tuple[str, ...]:
    """``a,b`` and ``[a, b]`` alike."""
    words = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    return tuple(word.strip() for word in words if isinstance(word, str) and word.strip())


_Reader = Callable[[OtherSettings, str, Mapping[str, Any]], None]
_READERS: Mapping[str, _Reader] = {
    "Trivy": _trivyignore_yaml,
    "Grype": _grype,
    "Checkov": _checkov,
    "kube-linter": _kube_linter,
}
