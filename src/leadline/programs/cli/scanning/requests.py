"""From what a command line asks for to what the use cases take; each value passes by the name of its field."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import replace

from leadline.errors import DatabaseError, UsageError
from leadline.model.control import SEVERITIES
from leadline.model.vulnerability import RATINGS
from leadline.programs.cli.options.option import GRADES, UNMATCHED, Texts
from leadline.programs.cli.options.table import OPTIONS, Form, Request, passed
from leadline.programs.cli.output.terminal import Display, configure_log, progress, say_plainly
from leadline.scans.gates import Gates
from leadline.scans.options import ChartOptions, ImageOptions, PostureOptions, Say
from leadline.sources.private_place import why_not_private
from leadline.sources.registry.options import Credential

LONGEST_PASSWORD = 1 << 16
_LARGEST_CODE = 255
_EXAMPLES = {"framework": "nsa", "control": "C-0057", "workload": "shop/Deployment/web"}


def split_words(words: Texts) -> tuple[Form, Texts, Texts]:
    """``framework nsa,mitre deploy/`` as form, names and targets. A folder named ``framework`` is ``./framework``.

    Raises: ``UsageError`` where the name is left out.
    """
    form: Form = next((f for f in get_args(Form)[1:] if words[:1] == (f,)), "everything")
    if form == "everything":
        return form, (), words
    if len(words) < 2:
        raise UsageError(
            f"scan {form} needs a name",
            hint=f"for example: leadline scan {form} {_EXAMPLES[form]} deploy/",
        )
    return form, split_commas(words[1:2]), words[2:]


def split_commas(values: Texts) -> Texts:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def request_of(words: Texts, flags: Mapping[str, Any]) -> Request:
    """The request that a command line about objects makes; ``flags`` by the fields of the table.

    Raises: ``UsageError`` for words or values that make no sense.
    """
    form, names, targets = split_words(words)
    if form == "everything" and flags.get("frameworks"):
        # Those of the configuration, where the words choose nothing.
        form, names = "framework", flags["frameworks"]
    given = _split(flags)
    given["fail_on"] = tuple(word.lower() for word in given.get("fail_on", ()))
    threshold = given.get("severity_threshold", "")
    grades = [word for word in (threshold, *given["fail_on"]) if word in GRADES]
    if grades and threshold in ("", *GRADES):
        # The strictest counts: GRADES begins with the mildest.
        given["severity_threshold"] = min(grades, key=GRADES.index)
    request = Request(targets=targets, form=form, names=names, **given)
    _check_severity("--severity-threshold", request.severity_threshold)
    if request.min_severity != "unknown":
        _check_severity("--min-severity", request.min_severity or "''")
    for name in request.fail_on:
        if name not in ("unread", *GRADES):
            raise UsageError(_one_of("--fail-on", (*GRADES, "unread"), name))
    compliance = request.compliance_threshold
    if compliance is not None and not 0 <= compliance <= 100:
        raise UsageError(f"--compliance-threshold must be between 0 and 100 (got {compliance:g})")
    if request.from_store and (request.targets or request.store or request.watch):
        raise UsageError(
            "--from-store shows results of earlier scans", hint="leave targets, --store and --watch away"
        )
    if request.baseline and request.since:
        raise UsageError("--baseline and --since both say what is known", hint="choose one")
    if (request.baseline or request.since) and request.watch:
        raise UsageError("--watch compares with its own beginning", hint="leave --baseline and --since away")
    if request.accept_from_change and not request.since:
        raise UsageError("--accept-from-change belongs to --since")
    if request.since and not targets:
        raise UsageError("--since compares files", hint="name a folder in a git repository")
    if "-" in targets and len(targets) > 1:
        raise UsageError(
            "'-' reads standard input and cannot be combined", hint="name files in a scan of their own"
        )
    return request


def _split(flags: Mapping[str, Any]) -> dict[str, Any]:
    """``flags`` with lists taken apart and severities in small letters."""
    given = dict(flags)
    for field, value in flags.items():
        option = OPTIONS.get(field)
        if option is not None and option.flag is not None and option.flag.commas:
            given[field] = split_commas(value)
        elif option is not None and option.choices is GRADES:
            given[field] = value.strip().lower()
    return given


def _check_severity(flag: str, word: str) -> None:
    if word and word not in GRADES:
        raise UsageError(_one_of(flag, GRADES, word))


def _one_of(flag: str, names: Texts, got: str) -> str:
    return f"{flag} must be one of {', '.join(names)} (got {got})"


def posture_options(request: Request, say: Say, *, with_scores: bool) -> PostureOptions:
    """What the request, standard input and the environment say together."""
    standard_input = b""
    if "-" in request.targets:
        from leadline.scans.posture.reading import LONGEST_STDIN

        standard_input = _read_stdin(LONGEST_STDIN + 1)
    return passed(
        PostureOptions,
        request,
        frameworks=request.names if request.form == "framework" else (),
        controls=request.names if request.form == "control" else (),
        added_frameworks=request.configured.added_frameworks if request.form == "everything" else (),
        workload=request.names[0] if request.form == "workload" else "",
        left_out=request.configured.left_out,
        with_scores=with_scores,
        use_target_waivers=not request.no_waivers_from_target,
        charts=passed(ChartOptions, request, renderings=request.configured.charts),
        standard_input=standard_input,
        environ=os.environ,
        say=say,
        note=say_plainly,
    )


@contextmanager
def reading(
    request: Request, what: str, *, with_scores: bool = False
) -> Iterator[tuple[PostureOptions, Display]]:
    """What the request says, with a log for ``--debug``, and the progress that is shown until the block is left."""
    from leadline.outputs.redaction.values import SecretValues  # objects alone hold secrets

    secrets = SecretValues()
    configure_log(is_debug=request.debug, secrets=secrets)
    with progress(what, is_wanted=not request.quiet) as display:
        options = posture_options(request, display.say, with_scores=with_scores)
        yield replace(options, secrets=secrets), display


def gates_of(request: Request) -> Gates:
    """The gates that the options close."""
    return passed(
        Gates,
        request,
        fail_on_unread="unread" in request.fail_on,
        fail_on_unmatched=UNMATCHED in request.fail_on,
    )


def image_request(images: Texts, flags: Mapping[str, Any], *, is_scan: bool = True) -> Request:
    """The request for ``images``, or for those that ``flags`` name otherwise. Without ``is_scan`` packages alone are wanted.

    Raises: ``UsageError`` for values that no flag has, or several sources of images.
    """
    given = _split(flags)
    given["severities"] = tuple(word.lower() for word in given.get("severities", ()))
    request = Request(targets=images, **given)
    sources = (images, request.from_manifests, request.from_cluster)
    if sum(map(bool, sources)) > 1:
        raise UsageError("images are named, or of --from-manifests, or of --from-cluster: one of these")
    if not any(sources):
        raise UsageError("no image is named", hint="name one, or use --from-manifests or --from-cluster")
    for word in request.fail_on:
        if word != "unread" and (word != UNMATCHED or not is_scan):
            known = "unread and unmatched" if is_scan else "unread"
            raise UsageError(f"--fail-on knows {known} (got {word})")
    _check_severity("--severity-threshold", request.severity_threshold)
    for word in request.severities:
        if word not in RATINGS:
            raise UsageError(_one_of("--severity", RATINGS, word))
    if request.scanners and not {"vuln"} <= {*request.scanners} <= {"vuln", "secret"}:
        hint = "leadline scan PATH judges configuration, and licences are always listed"
        raise UsageError(
            f"--scanners must be vuln or vuln,secret (got {','.join(request.scanners)[:100]})", hint=hint
        )
    if not 0 <= request.exit_code <= _LARGEST_CODE:
        raise UsageError(f"--exit-code must be between 0 and {_LARGEST_CODE} (got {request.exit_code})")
    return request


def image_options(
    request: Request, moment: str, say: Say, *, is_scan: bool = True, with_checksums: bool = False
) -> ImageOptions:
    """What the request and the environment say together; ``moment`` is when the SBOM was made."""

    def note(text: str) -> None:
        if not request.quiet and not os.isatty(2):
            warn(text)

    def warn(text: str) -> None:
        if not request.quiet:
            say_plainly(f"leadline: {text}")

    mirrors: dict[str, tuple[str, ...]] = {}
    for pair in request.mirror:
        registry, equals, mirror = pair.partition("=")
        if not equals or not registry or not mirror:
            raise UsageError(
                f"--mirror takes REGISTRY=HOST (got {pair})", hint="for example docker.io=mirror.example"
            )
        mirrors[registry] = (*mirrors.get(registry, ()), mirror)
    return passed(
        ImageOptions,
        request,
        created=moment,
        credential=_credential(request, os.environ),
        mirrors=mirrors,
        is_named_by_others=bool(request.from_manifests) or request.from_cluster,
        with_credentials=not request.scanners or "secret" in request.scanners,
        # The stored SBOM is a document too.
        with_archive_sums=with_checksums or bool(request.store),
        database=database_of(request) if is_scan else "",
        cache_folder="" if request.no_cache else cache_folder(os.environ),
        checked_folder=cache_folder(os.environ),
        standard_input=_read_stdin,
        environ=os.environ,
        say=say,
        note=note,
        warn=warn,
    )


def _read_stdin(most: int) -> bytes:
    return sys.stdin.buffer.read(most)


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


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where what is found in layers is cached; empty where the user has no place for it."""
    return home_file(environ, "XDG_CACHE_HOME", ".cache", "layers")


def database_file(environ: Mapping[str, str]) -> str:
    """The vulnerability database that no flag names: ``LEADLINE_DB``, else among the user's data; empty for nowhere."""
    named = environ.get("LEADLINE_DB", "")
    return named or home_file(environ, "XDG_DATA_HOME", ".local/share", "vulnerabilities.db")


def home_file(environ: Mapping[str, str], variable: str, usual: str, name: str) -> str:
    """https://specifications.freedesktop.org/basedir-spec/latest/."""
    named, home = environ.get(variable, ""), environ.get("HOME", "")
    if named.startswith("/"):
        return f"{named}/leadline/{name}"
    return f"{home}/{usual}/leadline/{name}" if home.startswith("/") else ""


def database_of(request: Request) -> str:
    """The file that was named, else the usual one where it is there; empty without.

    Raises: ``DatabaseError`` where others could have changed the usual one. For one that is named the user vouches.
    """
    usual = database_file(os.environ)
    if request.db or not usual or not Path(usual).is_file():
        return request.db
    if not os.environ.get("LEADLINE_DB"):
        for path in (Path(usual).parent, Path(usual)):
            if why := why_not_private(path.stat()):
                raise DatabaseError(
                    f"{path} is not used: {why}", hint="make it yours alone, or name it with --db"
                )
    return usual


def grave(threshold: str) -> Texts:
    """The severities at or above ``threshold``; none without one.

    Raises: ``UsageError`` for a word other than a severity.
    """
    threshold = threshold.strip().lower()
    _check_severity("--severity-threshold", threshold)
    return SEVERITIES[: SEVERITIES.index(threshold) + 1] if threshold else ()


def _credential(request: Request, environ: Mapping[str, str]) -> Credential | None:
    """Given by hand or in the environment; ``None`` leaves it to Docker's files."""
    prefix = "LEADLINE_REGISTRY_"
    token = environ.get(f"{prefix}TOKEN", "")
    is_by_hand = request.password_stdin
    host = environ.get(f"{prefix}HOST", "")
    if is_by_hand and _is_alone(request):
        registry, unusable = "", ""
    else:
        registry, unusable = _registry_of(request, host)
    if is_by_hand and unusable:
        raise UsageError(
            "--username and --password-stdin belong to one registry, and several images are scanned",
            hint=f"name it in {prefix}HOST",
        )
    username = request.username or environ.get(f"{prefix}USERNAME", "")
    password = environ.get(f"{prefix}PASSWORD", "")
    source = f"{prefix}USERNAME and {prefix}PASSWORD"
    if request.password_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username")
        password = sys.stdin.read(LONGEST_PASSWORD).rstrip("\r\n")
        source = "--password-stdin"
    if request.username and not password:
        raise UsageError(
            "--username needs a password",
            hint=f"pipe it in with --password-stdin, or set {prefix}PASSWORD",
        )
    if username and password:
        return Credential(source, username, password, registry=registry, unusable=unusable)
    if not token:
        return None
    return Credential(f"{prefix}TOKEN", registry_token=token, registry=registry, unusable=unusable)


def _registry_of(request: Request, host: str) -> tuple[str, str]:
    """The registry that credentials of the environment belong to, and why they are of no use, where they are not."""
    if host:
        from leadline.packages.reference import read_registry  # where one is named

        registry = read_registry(host)
        if not registry:
            raise UsageError(
                f"LEADLINE_REGISTRY_HOST names no registry: {host[:200]}", hint="write HOST or HOST:PORT"
            )
        return registry, ""
    return "", "" if _is_alone(request) else "belongs to no registry: set LEADLINE_REGISTRY_HOST"


def _is_alone(request: Request) -> bool:
    """Whether one image is asked for: credentials that name no registry are then for that of this one."""
    return len(request.targets) == 1
