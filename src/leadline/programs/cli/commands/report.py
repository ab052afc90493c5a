"""``leadline report``: several repositories and clusters in one report of a few pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from leadline.errors import StoreError, UsageError
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CHARTS, CLUSTER, CONFIG, NAMESPACES, WAIVERS, Request, takes
from leadline.programs.cli.output.terminal import PAGE_WIDTH, say_plainly, width_of
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.joint_reporting import (
    JointForm,
    Named,
    ReadSource,
    joint_report,
    named,
    read_joint_report,
    stored_source,
    target_words,
    written,
)
from leadline.scans.options import PostureOptions
from leadline.scans.provider_reading import read_joint

EPILOG = """
\b
  leadline report shop=../shop payments=../payments -o report.html
      two repositories on one page
  leadline report shop=../shop payments=../payments -f pdf,json -o october
      the same to print, and as the file that the next report is compared with
  leadline report shop=../shop payments=../payments --last september.json -o october.pdf
      what changed since, and the trend
  leadline report live=cluster platform=https://example.com/platform.git
      the cluster of the current context and a repository at its address
  leadline report --from-store kube -o cluster.html
      what the operator stored, with the trend of its history
  leadline report --provider https://provider.example:8443 -o fleet.html
      every source of a provider; LEADLINE_PROVIDER_TOKEN holds a token that may read

SOURCE is a path, PATH@REVISION, a git address, cluster, or the file of a report (scan -f report) or baseline.

Exit codes: 0 done, 2 wrong usage, 3 a source could not be read (the report names it), 4 a fault of leadline.
"""
_SUFFIXES = {
    "html": ".html",
    "pdf": ".pdf",
    "markdown": ".md",
    "json": ".json",
    "csv": ".csv",
    "text": ".txt",
}
_OWN = frozenset(("sources", "formats", "output", "last", "title", "from_store", "provider", "provider_ca"))
"""What this command alone knows; everything else goes to the scan of each source."""
_NOT_READ = 3


@click.command("report", epilog=EPILOG)
@click.argument("sources", metavar="[NAME=]SOURCE...", nargs=-1)
@click.option(
    "-f",
    "--format",
    "formats",
    default="",
    metavar="NAME",
    help="text, html, pdf, markdown, json, csv. A list, with commas.",
)
@click.option(
    "-o",
    "--output",
    default="",
    metavar="FILE",
    help="Write there; without -f its suffix chooses the format.",
)
@click.option(
    "--last", default="", metavar="FILE", help="The JSON of the last report, to show changes and the trend."
)
@click.option("--title", default="Kubernetes security report", show_default=True, help="On the first page.")
@click.option(
    "--provider",
    default="",
    metavar="https://HOST",
    help="Every source of a provider is one more source.",
)
@click.option("--provider-ca", default="", metavar="FILE", help="Certificates to trust there, PEM.")
@takes(
    "from_store",
    *NAMESPACES,
    "exclude_paths",
    *WAIVERS,
    *CLUSTER,
    *CHARTS,
    *CONFIG,
    "quiet",
    "debug",
    from_store=Flag("Stored results are one more source: the cluster's, or those of a file.", "kube|FILE"),
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    formats: str,
    output: str,
    last: str,
    title: str,
    from_store: str,
    provider: str,
    provider_ca: str,
    **_: Any,
) -> int:
    """Several repositories and clusters in one report: findings of each, what changed, the worst attack paths, accepted risks, what was not seen."""
    if not sources and not from_store and not provider:
        raise UsageError(
            "no source is named",
            hint="name folders, git addresses or cluster, or use --from-store or --provider",
        )
    if provider_ca and not provider:
        raise UsageError("--provider-ca belongs to --provider")
    forms = _forms(formats, output)
    before = read_joint_report(last) if last else None
    now = datetime.now(UTC)
    words = _passed_on(ctx)
    scan = _scan(ctx)

    @contextmanager
    def options_for(one: Named) -> Iterator[PostureOptions]:
        with reading(
            _request(scan, [*words, *target_words(one)]), f"reading {one.name}", with_scores=True
        ) as (
            options,
            _,
        ):
            yield options

    stored: list[ReadSource] = []
    if provider:
        stored += _reported(provider, provider_ca, now)
    if from_store:
        request = _request(scan, [*words, "--from-store", from_store])
        with reading(request, f"reading {from_store}", with_scores=True) as (options, _shown):
            stored.append(_stored(request, options, now))
    found = joint_report(
        tuple(map(named, sources)), options_for, title=title, now=now, last=before, stored=stored
    )
    for form in forms:
        _write(written(found, form, _width(output)), form, output, several=len(forms) > 1)
    for one in found.failed:
        say_plainly(f"leadline: could not read {one.name}: {one.why}")
    return _NOT_READ if found.failed else 0


def _scan(ctx: click.Context) -> click.Command:
    root = ctx.find_root().command
    found = root.get_command(ctx, "scan") if isinstance(root, click.Group) else None
    if found is None:
        raise RuntimeError("report is a command of leadline, beside scan")
    return found


def _request(scan: click.Command, words: list[str]) -> Request:
    """What ``leadline scan`` with these words asks for, with the settings that hold there."""
    params = scan.make_context("scan", words).params
    return request_of(params.pop("words"), params)


def _passed_on(ctx: click.Context) -> list[str]:
    """What was written of the flags of a scan, as words again."""
    words: list[str] = []
    for one in ctx.command.params:
        given = ctx.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
        if not given or one.name in _OWN or not isinstance(one, click.Option):
            continue
        value = ctx.params[one.name or ""]
        if one.is_flag:
            words.append(one.opts[-1])
        else:
            words += [f"{one.opts[-1]}={each}" for each in (value if one.multiple else (value,))]
    return words


def _stored(request: Request, options: PostureOptions, now: datetime) -> ReadSource:
    from leadline.programs.cli.scanning.storing import place_of, with_store  # brings the carriers

    name = request.from_store
    return with_store(place_of(request, name), lambda store: stored_source(store, name, options, now))


def _reported(url: str, ca_file: str, now: datetime) -> tuple[ReadSource, ...]:
    from leadline.programs.serving.provider_client import ProviderReader  # brings the HTTP client

    ask = ProviderReader(url, os.environ, ca_file)
    try:
        return read_joint(ask, ask.host, now)
    finally:
        ask.close()


def _forms(formats: str, output: str) -> tuple[JointForm, ...]:
    """Raises: ``UsageError`` for a name that is not one, or for several without a file."""
    known = get_args(JointForm)
    words = [word.strip() for word in formats.split(",") if word.strip()]
    if not words:
        by_suffix = {"": "html" if output else "text", **{suffix: name for name, suffix in _SUFFIXES.items()}}
        suffix = Path(output).suffix
        if suffix not in by_suffix:
            raise UsageError(f"no format has the suffix {suffix[:100]}", hint=f"-f takes {', '.join(known)}")
        words = [by_suffix[suffix]]
    for word in words:
        if word not in known:
            raise UsageError(f"--format must be one of {', '.join(known)} (got {word[:100]})")
    if len(words) > 1 and not output:
        raise UsageError("several formats need a place", hint="-o FILE writes each with its suffix")
    if words == ["pdf"] and not output and os.isatty(1):
        raise UsageError("a PDF is not for a terminal", hint="-o FILE writes it")
    return tuple(form for form in known if form in words)


def _width(output: str) -> int | None:
    is_terminal = not output and os.isatty(1)
    return width_of(os.environ, is_terminal=is_terminal, usual=PAGE_WIDTH)


def _write(content: bytes, form: JointForm, output: str, *, several: bool) -> None:
    if not output:
        click.echo(content, nl=False)
        return
    path = Path(output)
    if several and path.suffix != _SUFFIXES[form]:
        path = path.with_name(path.name + _SUFFIXES[form])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    click.echo(f"written: {path}", err=True)
