"""``leadline access``: who can do what, and by which steps."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError
from leadline.model.access import AccessAnswer
from leadline.model.unread import Unread
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.terminal import page_width
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.access.answers import Within, rights_of, who_can
from leadline.scans.access.differences import compare, side_of, state_of, state_text
from leadline.scans.access.recorded_use import use_in_records
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.unused import unused_by_logs
from leadline.scans.access.words import question_of, subject_of
from leadline.scans.access.written import AccessForm, written
from leadline.scans.options import PostureOptions

EPILOG = """
\b
  leadline access who-can get secrets deploy/
      by the roles and bindings of files
  leadline access who-can create pods/exec -n shop
      in the cluster of the current context
  leadline access of shop/ServiceAccount/api
      everything that bindings give to an account and its groups
  leadline access to-admin --path 3 -f svg > path.svg
      one of the paths to cluster admin as a picture

\b
  leadline access diff deploy/@main deploy/ --fail-on new-admin
      who gained and lost what since a revision
  leadline access unused --audit-log audit.log deploy/
      what is never used, and the smallest role that covers the rest

"At least these" says that something was not read: a role or binding that was not seen may give more.

Exit codes: 0 answered, 1 what --fail-on names, 2 wrong usage, 3 nothing could be read, 4 a
fault of leadline.
"""
_target_flags = takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
_fail_flag = click.option(
    "--fail-on", type=click.Choice(["unread"]), default=None, help="Exit 1 where something was not read."
)
_form = click.option(
    "-f", "--format", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True
)


def _paths(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(flags["paths"])


@click.group("access", epilog=EPILOG)
def command() -> None:
    """Who can do what in a cluster or in files, and by which binding, role and rule."""


@command.command("who-can", cls=ConfiguredCommand, keys="access", targets=_paths)
@click.argument("verb")
@click.argument("kind")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--name", default=None, help="Of one object: rules limited to others do not count.")
@_form
@_target_flags
@_fail_flag
def who_can_command(verb: str, kind: str, name: str | None, **flags: Any) -> int:
    """Who can VERB a KIND: secrets, pods/exec, deployments.apps, "*", or a path as /metrics."""
    return _answered(
        flags, lambda target, within: who_can(target, question_of(target, verb, kind, name), within)
    )


@command.command("of", cls=ConfiguredCommand, keys="access", targets=_paths)
@click.argument("subject")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group that the user belongs to.")
@_form
@_target_flags
@_fail_flag
def of_command(subject: str, groups: tuple[str, ...], **flags: Any) -> int:
    """What SUBJECT may do: NAMESPACE/ServiceAccount/NAME, User/NAME, Group/NAME."""
    return _answered(
        flags, lambda target, within: rights_of(target, subject_of(target, subject), groups, within)
    )


@command.command("to-admin", cls=ConfiguredCommand, keys="access", targets=_paths)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--all", "with_own", is_flag=True, help="Also subjects that Kubernetes itself binds.")
@click.option("--path", "number", type=click.IntRange(1), default=1, help="The path that -f svg draws.")
@click.option(
    "-f", "--format", type=click.Choice(["text", "json", "csv", "svg"]), default="text", show_default=True
)
@_target_flags
@_fail_flag
def to_admin_command(with_own: bool, number: int, **flags: Any) -> int:
    """Who is cluster admin, and who can become it, a path for each way that a subject has."""
    return _answered(
        flags, lambda target, _: to_admin(target, with_own=with_own), path=number, with_accounts=True
    )


@command.command("unused", cls=ConfiguredCommand, keys="access", targets=_paths)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--audit-log",
    "logs",
    multiple=True,
    required=True,
    metavar="FILE",
    help="As kube-apiserver writes it; may be gzip.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="FILE",
    help="As leadline agent --profiles writes it: whose pods never connected to the API server.",
)
@_form
@_target_flags
@_fail_flag
def unused_command(logs: tuple[str, ...], profiles: tuple[str, ...], format: AccessForm, **flags: Any) -> int:
    """What of the given rights no recorded request used, and the smallest role as a diff, replayed over the requests."""
    fail_on, paths = flags.pop("fail_on"), flags.pop("paths")
    with (
        _reading(flags, paths) as options,
        open_access(paths, options, with_accounts=bool(profiles)) as target,
    ):
        use = unused_by_logs(target, logs, options.secrets)
        if profiles:
            said, unread = use_in_records(target, profiles)
            use = replace(use, notes=(*said, *use.notes), unread=(*use.unread, *unread))
    click.echo(written(use, format, _width()), nl=False)
    _refuse_nothing_read(target)
    return GATE_FAILED if fail_on and use.unread else 0


@command.command("state", cls=ConfiguredCommand, keys="access", targets=_paths)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@_target_flags
@_fail_flag
def state_command(**flags: Any) -> int:
    """Prints all access of this moment as JSON, which access diff takes for a side."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fail_on, paths = flags.pop("fail_on"), flags.pop("paths")
    with _reading(flags, paths) as options, open_access(paths, options, with_accounts=True) as target:
        state = state_of(target, at)
    click.echo(state_text(state), nl=False)
    _refuse_nothing_read(target)
    return GATE_FAILED if fail_on and state.unread else 0


@command.command(
    "diff", cls=ConfiguredCommand, keys="access", targets=lambda flags: (flags["old"], flags["new"])
)
@click.argument("old")
@click.argument("new")
@_form
@click.option(
    "--fail-on",
    type=click.Choice(["new-admin", "unread"]),
    multiple=True,
    help="Exit 1 where someone can become cluster admin who could not before, or something was not read.",
)
@takes("exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def diff_command(old: str, new: str, format: AccessForm, fail_on: tuple[str, ...], **flags: Any) -> int:
    """Who gained and lost what between OLD and NEW: paths, PATH@REVISION, cluster, cluster:CONTEXT, files of access state."""
    with _reading(flags, (old, new)) as options:
        sides = side_of(old, options), side_of(new, options)
    difference = compare(*sides)
    click.echo(written(difference, format, _width()), nl=False)
    if all(side.unread and not side.rights for side in sides):
        raise _nothing_read(f"{old} and {new}", difference.unread_before)
    is_new = "new-admin" in fail_on and difference.new_subjects
    return GATE_FAILED if is_new or ("unread" in fail_on and not difference.is_complete) else 0


def _answered(
    flags: dict[str, Any],
    ask: Callable[[AccessTarget, Within], AccessAnswer],
    *,
    path: int = 0,
    with_accounts: bool = False,
) -> int:
    """Reads, asks and prints; ``path`` as ``written`` takes it."""
    format, fail_on, paths = flags.pop("format"), flags.pop("fail_on"), flags.pop("paths")
    with (
        _reading(flags, paths) as options,
        open_access(paths, options, with_accounts=with_accounts) as target,
    ):
        answer = ask(target, Within(options.include_namespaces))
    click.echo(written(answer, format, _width(), path=path), nl=False)
    _refuse_nothing_read(target)
    return GATE_FAILED if fail_on and not answer.is_complete else 0


def _refuse_nothing_read(target: AccessTarget) -> None:
    """Raises: ``SourceError`` where nothing at all was read, so that what was printed answers nothing."""
    if target.unread and not target.worlds:
        raise _nothing_read(target.name, target.unread)


def _nothing_read(name: str, unread: tuple[Unread, ...]) -> SourceError:
    first = unread[0]
    line = f":{first.line}" if first.line else ""
    return SourceError(
        f"nothing could be read in {name}: {len(unread):,} not read, the first {first.where}{line}: {first.why}"
    )


@contextmanager
def _reading(flags: dict[str, Any], targets: tuple[str, ...]) -> Iterator[PostureOptions]:
    """What the flags say, with progress shown until the block is left."""
    request = replace(request_of((), flags), targets=targets)
    with reading(request, f"reading {' '.join(targets)}") as (options, _):
        yield options


def _width() -> int:
    return page_width()
