"""Writes one more entry into a file of waivers, as text, so that comments and layout of the others stay."""

import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import msgspec

from leadline.errors import StoreError, UsageError
from leadline.posture.catalogue import load_controls
from leadline.scans.posture.other_ids import chosen_controls
from leadline.sources.waivers.reader import read_waivers
from leadline.sources.waivers.schema import Entry, Match
from leadline.sources.yaml.dump import Layout, value_lines
from leadline.whole_file import WholeFile

ADDED_FILE = "leadline-waivers.yaml"
_VULNERABILITY = re.compile(
    r"[A-Z]{2,9}-[0-9A-Za-z]+(?:-[0-9A-Za-z]+)+\Z|(?:RHSA|DSA|DLA|USN)-", re.IGNORECASE
)
_CONTROL = re.compile(r"[CL]-\d{4}\Z", re.IGNORECASE)


def entry_of(
    ids: str, object: str, paths: tuple[str, ...], reason: str, owner: str, until: str, ticket: str = ""
) -> Entry:
    """An entry for controls or vulnerabilities, with commas, on ``[NAMESPACE/][KIND/]NAME``; of vulnerabilities on an image.

    Raises: ``UsageError`` for ids that are not known, and an end that is not a day to come.
    """
    names = [one.strip() for one in ids.split(",") if one.strip()]
    problems = [one for one in names if _VULNERABILITY.match(one) and not _CONTROL.match(one)]
    rest = [one for one in names if one not in problems]
    controls = [one.id for one in chosen_controls(rest, load_controls())] if rest else []
    if not names or not (object or paths):
        raise UsageError(
            "what is accepted, and on what?", hint="name ids and an object, C-0057 shop/Deployment/web"
        )
    if problems and controls:
        raise UsageError("controls and vulnerabilities are accepted by entries of their own")
    if not reason.strip() or not owner.strip():
        raise UsageError("the reason and the owner must say something")
    try:
        last = datetime.strptime(until, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError(f"the end is a day, as 2027-01-31 (got {until[:40]})") from None
    if last < datetime.now(UTC).date():
        raise UsageError(f"the end {until} is over", hint="name a day to come")
    if problems:
        match = Match(vulnerabilities=problems, images=[object] if object else [], paths=list(paths))
    else:
        match = _of_object(object, controls, paths)
    return Entry(
        reason=reason.strip(), match=match, owner=owner.strip(), ticket=ticket.strip(), expires=until
    )


def _of_object(object: str, controls: list[str], paths: tuple[str, ...]) -> Match:
    """Raises: ``UsageError``."""
    parts = object.split("/") if object else []
    if len(parts) > 3 or not all(parts):
        raise UsageError(
            f"{object} does not name an object", hint="write it as namespace/Kind/name, shop/Deployment/web"
        )
    namespace = parts[:1] if len(parts) == 3 else []
    kind = parts[-2:-1]
    return Match(controls=controls, kinds=kind, names=parts[-1:], namespaces=namespace, paths=list(paths))


def added_entry(path: str, entry: Entry) -> None:
    """Appends ``entry`` to our own file at ``path``, which is made where it is missing.

    Raises: ``UsageError`` where the file holds something else, or would after it; ``StoreError`` where it cannot be written.
    """
    lines = value_lines([msgspec.to_builtins(entry)], 0, Layout())
    written = "\n".join(line for line in lines if line.strip())
    file = Path(path)
    before = ""
    if file.exists():
        read_waivers(path)
        before = file.read_text("utf-8")
    head = re.search(r"^waivers:[ \t]*(?:#[^\n]*)?$", before, re.MULTILINE)
    if before and (
        head is None or re.search(r"^(?!waivers:|#|[ \t-]|$)", before[head.end() :], re.MULTILINE)
    ):
        raise UsageError(
            f"{path} does not end with its list of waivers",
            hint="add the entry by hand",
        )
    first = re.search(r"^([ \t]*)- ", before[head.end() :], re.MULTILINE) if head else None
    text = indent(written, first[1] if first else "  ")
    joint = "" if before.endswith("\n") or not before else "\n"
    try:
        _write(file, f"{before}{joint}{text}\n" if before else f"waivers:\n{text}\n")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    read_waivers(path)


def _write(file: Path, text: str) -> None:
    """Raises: ``OSError``, ``StoreError``."""
    whole = WholeFile(file)
    try:
        with open(whole.descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123
            stream.write(text)
        whole.keep()
    finally:
        whole.drop()
