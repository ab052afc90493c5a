"""One pass over one layer: what it holds, what cataloguers say of it, what of it has to be kept.

A layer is read front to back while it is decompressed. Cataloguers that need one file alone run right there,
so that a large jar or executable is let go before the next entry; only what readers of the whole tree asked
for is kept.
"""

from typing import cast

from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.unread import Unread, UnreadReason
from leadline.packages.file import File
from leadline.sbom.image import Layer, layer_name
from leadline.sbom.layers.facts import (
    COVERED,
    DEVICE,
    FILE,
    FOLDER,
    HARD,
    HIDDEN,
    LINK,
    LayerFacts,
    PathFacts,
    steps_of,
)
from leadline.sbom.layers.file_facts import SPECIAL_BITS, extract_facts
from leadline.sbom.layers.file_selector import FileInterest
from leadline.sbom.layers.memory_budget import TOO_LARGE
from leadline.sbom.layers.scan_options import Distribution, LayerScanOptions
from leadline.sbom.layers.stream import Damaged, Forged, WrongDiffId
from leadline.sbom.layers.tar import EntryReader, TarEntry
from leadline.sbom.parsers.content_sums import is_summed_at_once
from leadline.sbom.parsers.executable import FIRST_BYTES, is_executable
from leadline.sbom.parsers.executable_excerpt import excerpt_of
from leadline.sbom.secrets.content import LARGEST_BYTES, is_open_below, is_searched
from leadline.sbom.secrets.scan import LARGEST_SECRET_FILE, find_secrets, may_hold_secrets

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
SMALLEST_EXECUTABLE = 64
ZIP_MARK = b"PK\x03\x04"
JAR_MARKS = (b"META-INF/MANIFEST.MF", b"META-INF/maven/", b".class")
"""Names in the list of an archive that Java runs or loads from; a manifest is not needed for that."""
APT = "etc/apt"
"""Its settings lie in front of all programs."""
LARGE_ARCHIVES = "archives of more than 128 MiB under names that say nothing"
LARGEST_UNNAMED_JAR = 128 << 20
MOST_NAMES = 50_000
LONG_PATH = 255
MOST_OUTSIDE = 20
"""Entries that leave the image are named up to this number, the rest is counted."""


def facts_of(scan_options: LayerScanOptions, layer: Layer) -> LayerFacts:
    """Everything about ``layer``, read from its start to its end or to the limits.

    Raises:
        SourceError: it cannot be fetched.
    """
    name = layer_name(layer)
    if layer.missing:
        return _nothing(name, layer.missing)
    facts = LayerFacts()
    with layer.open() as entries:
        passing = _Pass(scan_options, facts, entries)
        try:
            passing.run()
        except Forged as error:
            return _nothing(name, f"{error}; nothing of it was used")
        except WrongDiffId as error:
            # Its bytes are those that lie there: what they hold is worth more than silence.
            facts.unread.append(Unread(name, f"{error}; it was read all the same", "incomplete"))
            facts.is_whole = False
        except Damaged as error:
            forgery = _forgery(entries)
            if forgery:
                return _nothing(name, f"{forgery}; nothing of it was used")
            facts.unread.append(Unread(name, f"{error}; what came before was read", "incomplete"))
            facts.is_whole = False
    scan_options.budget.count(entries=facts.weight)
    lost = passing.lost_links()
    if lost and passing.is_at_end:
        add_links(scan_options, facts, layer, lost)
    return facts


def _nothing(name: str, why: str) -> LayerFacts:
    return LayerFacts(unread=[Unread(name, why, "incomplete")], is_whole=False)


def _forgery(entries: EntryReader) -> str:
    """Why nothing of a damaged layer may be believed; empty where its bytes are those that were promised."""
    try:
        entries.finish()
    except Forged as error:
        return str(error)
    except Damaged:
        pass
    return ""


class _Pass:
    """The state of one pass."""

    def __init__(self, scan_options: LayerScanOptions, facts: LayerFacts, entries: EntryReader) -> None:
        self._scan_options = scan_options
        self._most = scan_options.budget.entries_left(scan_options.limits)
        self._selector = scan_options.selector
        self._with_credentials = scan_options.with_credentials
        self._facts = facts
        self._entries = entries
        self.is_at_end = False
        self.is_searched = False
        """Whether files of the present folder are searched for credentials."""
        self._closed = ""
        """A folder in which none is searched, with a slash behind it; empty where that is not known."""
        self._kept_bytes = 0
        self._outside = 0
        self._links: dict[str, tuple[str, FileInterest]] = {}
        self._names: dict[str, bool] = {}
        self._key = ""
        """Under what the latest file's facts are kept: its path, with a number where each entry is a step."""

    def run(self) -> None:
        layer, known, entries = self._facts, self._facts.entries, self._entries
        selector, names, exact_paths = self._selector, self._names, self._selector.exact_paths
        last_folder = "."
        most = self._most
        whiteout = WHITEOUT if entries.has_whiteouts else None
        is_asked_in = False
        for entry in entries:
            path = entry.path
            layer.weight += 1
            if len(path) > LONG_PATH or layer.weight > most:
                self._weigh(len(path) >> 8)
            folder, _, name = path.rpartition("/")
            if name[:4] == whiteout:
                self._white_out(folder, name)
                continue
            if folder != last_folder:
                last_folder = folder
                is_asked_in = selector.may_match_folder(folder)
                self._look_at_folder(folder)
                if folder and known.get(folder) != FOLDER:
                    self._imply(folder)
            if path in known:
                self._stand_again(entry)
            self._key = path
            if entry.kind != "file":
                self._take_other(entry)
                continue
            known[path] = FILE
            if layer.steps is not None:
                self._step(path, FILE)
            layer.size_bytes += entry.size
            is_asked = names.get(name)
            if is_asked is None:
                is_asked = self._asks_for(name)
            if (
                is_asked
                or is_asked_in
                or path in exact_paths
                or self._is_searched(entry, name)
                or self._stands_out(entry)
            ):
                self._take_file(entry)
        entries.finish()
        self.is_at_end = True
        self._finish()

    def lost_links(self) -> dict[str, list[str]]:
        """From a path whose content went by to the hard links under which it is asked for."""
        lost: dict[str, list[str]] = {}
        for path, (target, interest) in self._links.items():
            if self._selector.of(target) != interest and self._facts.entries.get(target) == FILE:
                lost.setdefault(target, []).append(path)
        return lost

    def _weigh(self, more: int) -> None:
        """Counts ``more`` entries: the names of three million take memory too, so each 256 characters are another.

        Raises:
            Damaged: these are too many.
        """
        self._facts.weight += more
        if self._facts.weight > self._most:
            raise Damaged(f"more than {max(0, self._most)} entries")

    def _asks_for(self, name: str) -> bool:
        """Whether files of this name may matter wherever they lie; kept, since most names come often."""
        if len(self._names) > MOST_NAMES:
            self._names.clear()
        is_asked = self._selector.may_match_name(name) or (self._with_credentials and may_hold_secrets(name))
        self._names[name] = is_asked
        return is_asked

    def _look_at_folder(self, folder: str) -> None:
        """Most folders lie in one that is not searched, and need no look of their own."""
        if folder.startswith(APT):
            self._scan_options.distribution.has_apt = True
        if self._closed and folder.startswith(self._closed):
            self.is_searched = False
        else:
            self.is_searched = self._with_credentials and is_searched(folder)
            self._closed = "" if self.is_searched or is_open_below(folder) else f"{folder}/"

    def _is_searched(self, entry: TarEntry, name: str) -> bool:
        """Whether a file is searched for credentials whatever it is called; what is not is counted."""
        facts = self._facts
        if name[-6:] == ".class":
            facts.classes += 1
        if not self.is_searched:
            facts.filled += 1
            return False
        if entry.size <= LARGEST_BYTES:
            return entry.size > 0
        facts.too_large += 1
        return False

    def _stands_out(self, entry: TarEntry) -> bool:
        """Whether a file may matter that nothing asks for by name: it may be an executable, or has a special bit."""
        if entry.mode & SPECIAL_BITS:
            return True
        if entry.size < SMALLEST_EXECUTABLE:
            return False
        try:
            head = self._entries.head(8)
            return head[:1] in FIRST_BYTES or head[:4] == ZIP_MARK
        except OSError:
            return True  # the one that takes it says why it cannot be read

    def _finish(self) -> None:
        if self._outside > MOST_OUTSIDE:
            why = f"{self._outside - MOST_OUTSIDE} more entries lie outside the image"
            self._facts.unread.append(Unread("(archive)", why, "left out"))

    def _imply(self, folder: str) -> None:
        known = self._facts.entries
        while folder and (kind := known.get(folder)) != FOLDER:
            if kind is not None:
                # What lies below a link lands where it leads at this point of the archive.
                self._keep_order()
                return
            self._weigh(1 + (len(folder) >> 8))
            known[folder] = FOLDER
            self._facts.implied.add(folder)
            folder = folder.rpartition("/")[0]

    def _is_below_link(self, folder: str) -> bool:
        known = self._facts.entries
        while folder and (kind := known.get(folder)) != FOLDER:
            if kind is not None and kind.startswith(LINK):
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _stand_again(self, entry: TarEntry) -> None:
        """An archive may hold a path twice: the last one is, at its own point of the archive."""
        layer, path = self._facts, entry.path
        if entry.kind in ("outside", "denied"):
            return
        if entry.kind != "folder" or layer.entries[path] != FOLDER or path in layer.implied:
            self._keep_order()

    def _keep_order(self) -> None:
        """From here on every entry becomes a step: only their order decides what comes out."""
        layer = self._facts
        if layer.steps is None:
            layer.steps = steps_of(layer)

    def _step(self, path: str, kind: str) -> None:
        steps = self._facts.steps
        if steps is not None:
            self._key = f"{path}\0{len(steps)}"
            steps.append((path, kind, self._key))

    def _white_out(self, folder: str, name: str) -> None:
        if self._is_below_link(folder):
            self._keep_order()
        path, kind = folder, COVERED
        if name != OPAQUE:
            if name.startswith(".wh..wh.") or name == WHITEOUT:
                return
            hidden, kind = name[len(WHITEOUT) :], HIDDEN
            path = f"{folder}/{hidden}" if folder else hidden
        self._facts.hides.append((len(self._facts.entries), path, kind))
        self._step(path, kind)

    def _refuse(self, entry: TarEntry) -> None:
        self._outside += 1
        if self._outside <= MOST_OUTSIDE:
            self._facts.unread.append(
                Unread(entry.path, "its name or target lies outside the image", "left out")
            )

    def _take_link(self, entry: TarEntry) -> None:
        layer, path, target = self._facts, entry.path, entry.target
        if layer.entries.get(target) != FILE or target == path:
            # Of a lower layer, below a link, or a link itself.
            self._keep_order()
        self._step(path, HARD + target)
        linked = layer.facts.get(target)
        target = (linked and linked.link) or target
        layer.entries[path] = FILE
        layer.facts[self._key] = PathFacts(link=target)
        interest = self._selector.of(path)
        if interest and layer.steps is None:
            self._links[path] = (target, interest)

    def _take_other(self, entry: TarEntry) -> None:
        known, path = self._facts.entries, entry.path
        if len(entry.target) > LONG_PATH:
            self._weigh(len(entry.target) >> 8)
        match entry.kind:
            case "folder":
                if path:
                    known[path] = FOLDER
                    self._step(path, FOLDER)
            case "symlink":
                known[path] = LINK + entry.target
                self._step(path, LINK + entry.target)
            case "hardlink":
                self._take_link(entry)
            case "device":
                known[path] = DEVICE
                self._step(path, DEVICE)
            case "outside":
                self._refuse(entry)
            case "denied":
                self._facts.unread.append(Unread(path, entry.target, "incomplete"))

    def _take_file(self, entry: TarEntry) -> None:
        try:
            self._look_into(entry)
        except OSError as error:
            self._note(entry, error.strerror or "cannot be read", "malformed")

    def _look_into(self, entry: TarEntry) -> None:
        interest = self._selector.of(entry.path)
        may_hold_secrets = self._with_credentials and find_secrets(entry.path)
        if may_hold_secrets and entry.size > LARGEST_SECRET_FILE:
            may_hold_secrets = False
            why = f"larger than {LARGEST_SECRET_FILE >> 20} MiB, not searched for credentials"
            self._facts.unread.append(Unread(entry.path, why, "too large"))
        is_searched = self.is_searched and entry.size <= LARGEST_BYTES
        readers = interest.readers if interest else ()
        if interest is None and self._may_be_jar(entry):
            self._look_into_archive(entry, may_hold_secrets=may_hold_secrets)
            return
        executables = self._executable_readers(entry)
        readers = (
            tuple(sorted({*readers, *executables})) if readers and executables else readers or executables
        )
        if not readers and not interest and not may_hold_secrets and not is_searched:
            if entry.mode & SPECIAL_BITS:
                self._facts.facts[self._key] = PathFacts(mode=entry.mode)
            return
        if entry.size > self._scan_options.limits.file_bytes:
            self._note(entry, f"larger than {self._scan_options.limits.file_bytes >> 20} MiB")
            return
        is_kept = interest is not None and interest.is_kept
        if is_kept and not self._has_room(entry):
            self._note(entry, TOO_LARGE)
            return
        content = None
        self._facts.searched += is_searched or may_hold_secrets
        if executables and not interest and not may_hold_secrets and not self._scan_options.with_digests:
            content = cast(
                "bytes | None",
                excerpt_of(
                    self._entries,
                    entry.size,
                    is_listed=is_summed_at_once(entry.path, entry.size),
                    is_known=self._selector.is_program(entry.path.rpartition("/")[2]),
                    is_of_dpkg=self._scan_options.distribution.has_apt,
                ),
            )
        if content is None:
            content = self._entries.content()
        interested = FileInterest(readers, is_kept)
        self._take(
            entry,
            content,
            interested,
            may_hold_secrets=may_hold_secrets,
            is_searched=is_searched and not executables,
        )

    def _look_into_archive(self, entry: TarEntry, *, may_hold_secrets: bool) -> None:
        content = self._entries.content()
        as_jar = self._selector.of("x.jar") if any(mark in content for mark in JAR_MARKS) else None
        readers = as_jar.readers if as_jar else ()
        self._take(entry, content, FileInterest(readers, False), may_hold_secrets=may_hold_secrets)

    def _may_be_jar(self, entry: TarEntry) -> bool:
        """Whether it is an archive under a name that none has: Java runs one of any name."""
        if entry.size < SMALLEST_EXECUTABLE or self._entries.head(4) != ZIP_MARK:
            return False
        if entry.size > LARGEST_UNNAMED_JAR:
            self._facts.facts[self._key] = PathFacts(entry.mode, unlisted=LARGE_ARCHIVES)
            return False
        return True

    def _take(
        self,
        entry: TarEntry,
        content: bytes,
        interest: FileInterest,
        *,
        may_hold_secrets: bool = False,
        is_searched: bool = False,
    ) -> None:
        file = File(entry.path, content, entry.mode, with_sums=self._scan_options.with_archive_sums)
        facts = extract_facts(
            self._scan_options,
            file,
            interest,
            may_hold_secrets=may_hold_secrets,
            is_searched=is_searched,
        )
        if facts is not None:
            self._facts.facts[self._key] = facts

    def _executable_readers(self, entry: TarEntry) -> tuple[int, ...]:
        if entry.size >= SMALLEST_EXECUTABLE and is_executable(self._entries.head(8)):
            return self._selector.executables
        return ()

    def _has_room(self, entry: TarEntry) -> bool:
        if self._kept_bytes + entry.size > self._scan_options.limits.kept_bytes:
            return False
        self._kept_bytes += entry.size
        is_kept = self._scan_options.budget.reserve_file(self._scan_options.limits, entry.size)
        if not is_kept and entry.size <= self._scan_options.limits.kept_file_bytes:
            # Another image may have room for it.
            self._facts.is_whole = False
        return is_kept

    def _note(self, entry: TarEntry, why: str, reason: UnreadReason = "too large") -> None:
        lost = Unread(entry.path, why, reason)
        self._facts.facts[self._key] = PathFacts(entry.mode, unread=(lost,))


Lost = dict[str, list[str]]
"""From the path of a content to the links under which it is wanted."""


def add_links(scan_options: LayerScanOptions, facts: LayerFacts, layer: Layer, lost: Lost) -> None:
    """Reads the layer again for contents that passed before the name was known under which they are wanted.

    What the first reading found stays whatever becomes of the second, of which nothing is used unless it ends well:
    only its end shows that it was the same layer.
    """
    hint = ""
    try:
        with layer.open() as entries:
            found, too_large, dangling = _reread(scan_options, entries, lost)
    except SourceError as error:
        why, hint = str(error.args[0]), error.hint
    except Damaged as error:
        why = str(error)
    else:
        facts.facts.update(found)
        facts.unread += [Unread(path, TOO_LARGE, "too large") for path in too_large]
        facts.unread += [Unread(path, "a hard link to a link", "unsupported") for path in dangling]
        # Another image may have room for them.
        facts.is_whole = facts.is_whole and not too_large
        return
    links = sorted(path for paths in lost.values() for path in paths)
    count = f"{links[0]} was" if len(links) == 1 else f"{links[0]} and {len(links) - 1} more hard links were"
    name = layer_name(layer)
    facts.unread.append(
        Unread(name, f"{why} at the second reading; {count} not read", "incomplete", hint=hint)
    )
    facts.is_whole = False


def _reread(
    scan_options: LayerScanOptions, entries: EntryReader, lost: Lost
) -> tuple[dict[str, PathFacts], list[str], list[str]]:
    """What is found under the links, then one link of each content that had no room, and of each that did not come."""
    found: dict[str, PathFacts] = {}
    too_large: list[str] = []
    left = dict(lost)
    # An archive has no content under a hard link, so that later sums cannot be made of it.
    scan_options = replace(scan_options, distribution=Distribution())
    for entry in entries:
        if entry.kind != "file" or entry.path not in left:
            continue
        paths = left.pop(entry.path)
        if not scan_options.budget.reserve_file(scan_options.limits, entry.size):
            too_large.append(paths[0])
            continue
        content = entries.content()
        for path in paths:
            interest = scan_options.selector.of(path) or FileInterest()
            found[path] = (
                extract_facts(scan_options, File(path, content, entry.mode), interest) or PathFacts()
            )
    entries.finish()
    return found, too_large, [paths[0] for paths in left.values()]
