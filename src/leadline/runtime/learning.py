"""Makes a profile of the events of one container. Bounded: what does not fit makes the profile partial, and says so."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leadline.model import profile as words
from leadline.model.container import Container
from leadline.model.event import (
    COLLAPSED,
    OUTGOING,
    PSEUDO,
    SNAPSHOT,
    UPPER,
    Altered,
    CallLearned,
    CapabilityUsed,
    Connected,
    Event,
    Executed,
    Linked,
    Mapped,
    ModeChanged,
    Opened,
    Removed,
    Renamed,
    Requested,
    Resolved,
    TlsStarted,
)
from leadline.model.profile import ChangedPath, ExecutedProgram, OpenedFile, Peer, Profile, Request
from leadline.packages.code_files import source_of
from leadline.runtime.collapse import ANY, PathSet, UseCount
from leadline.runtime.loading import is_source, suffixes_by, suffixes_of

MOST_PER_KIND = 5_000
"""Programs, peers, names and requests of a profile, each."""
MOST_ARGUMENTS = 50
"""Forms of the arguments of one program; beyond, only the program is known."""
MOST_USERS = 256
MOST_LOADED = 20_000
_NOT_READ = 0o200001
"""O_WRONLY, and O_DIRECTORY of x86_64: such a file is not loaded."""
_FLAGS = (
    (0o1, "O_WRONLY"), (0o2, "O_RDWR"), (0o100, "O_CREAT"), (0o1000, "O_TRUNC"), (0o2000, "O_APPEND"),
    (0o200000, "O_DIRECTORY"), (0o2000000, "O_CLOEXEC"), (0o10000000, "O_PATH"),
)  # fmt: skip
"""Of open(2), where both architectures agree; O_DIRECTORY is as on x86_64."""


class Recorder:
    """One container. ``add`` takes redacted events only."""

    def __init__(self, container: Container, since_ns: int = 0) -> None:
        self.container = container
        self.since_ns = since_ns
        """The first event, since the node was started."""
        self.has_ended = False
        """Learning is over, or the container; nothing is added any more."""
        self.has_learned = False
        """Learning is over since its time is, not since the container ended early."""
        self._syscalls: set[str] = set()
        self._called: dict[str, UseCount] = {}
        """By system call, as far as the kernel said when and by whom."""
        self._executed: dict[str, dict[ExecutedProgram, None]] = {}
        self._opened = PathSet()
        self._changed: dict[str, PathSet] = {}
        """By how."""
        self._mapped: dict[str, UseCount] = {}
        self._loaded: set[str] = set()
        self._suffixes: dict[str, tuple[str, ...]] = {}
        """What each program loads, where it is or embeds an interpreter."""
        self._allowed: dict[str, UseCount] = {}
        self._refused: set[str] = set()
        self._peers: dict[tuple[str, str, int, str], UseCount] = {}
        self._users: set[int] = set()
        self._program = ""
        self._last_ns = since_ns
        self._addresses: dict[str, set[str]] = {}
        self._names: set[str] = set()
        self._failed: set[str] = set()
        self._requests: set[Request] = set()
        self._reasons: set[str] = set()
        self._lost: dict[int, Mapping[str, int]] = {}
        self._collapsed: dict[int, Mapping[str, int]] = {}
        """By namespace: a container may have several, one after another."""
        self._taken: dict[type[Event], Callable[[Any], None]] = {
            Executed: self._execute,
            Opened: self._open,
            Linked: lambda event: self._change("linked", event.path, event),
            ModeChanged: lambda event: self._change("mode", event.path, event),
            Altered: lambda event: self._change(event.what, _recorded(event), event),
            Removed: lambda event: self._change(
                "made" if event.what == "made" else "removed", event.path, event
            ),
            Renamed: self._rename,
            Mapped: self._map,
            CapabilityUsed: self._use_capability,
            CallLearned: self._call,
            Connected: self._connect,
            Resolved: self._resolve,
            Requested: self._request,
            TlsStarted: self._start_tls,
        }

    def add(self, event: Event, program: str = "") -> None:
        """``program``: the path of what did it, empty where it is not known."""
        if self.has_ended:
            return
        self._program = program
        self._last_ns = max(self._last_ns, event.at_ns)
        if len(self._users) < MOST_USERS:
            self._users.add(event.uid)
        if event.flags & SNAPSHOT:
            self._reasons.add(words.STARTED_BEFORE)
        if event.flags & COLLAPSED:
            self._reasons.add(words.COLLAPSED)
        take = self._taken.get(type(event))
        if take is not None:
            take(event)

    def note(
        self, ns_id: int, syscalls: Iterable[str], lost: Mapping[str, int], collapsed: Mapping[str, int]
    ) -> None:
        """What the kernel says of one namespace of this container by now."""
        self._syscalls.update(syscalls)
        self._lost[ns_id], self._collapsed[ns_id] = lost, collapsed
        if lost:
            self._reasons.add(words.LOST)
        if collapsed:
            self._reasons.add(words.COLLAPSED)

    @property
    def is_whole(self) -> bool:
        """Whether what is new can be said by it."""
        return self.has_learned and not self._reasons - {words.NO_CAPABILITIES}

    def partial(self, reason: str) -> None:
        self._reasons.add(reason)

    def profile(self, booted_s: float = 0.0) -> Profile:
        """``booted_s``: when the node was started, since 1970."""
        names = {address: tuple(sorted(found)) for address, found in self._addresses.items()}
        peers = (
            Peer(*peer, names=names.get(peer[1], ()), use=count.use(booted_s))
            for peer, count in self._peers.items()
        )
        return Profile(
            self.container,
            words.PARTIAL if self._reasons else words.COMPLETE,
            tuple(sorted(self._reasons)),
            executed=tuple(sorted(one for forms in self._executed.values() for one in forms)),
            opened=tuple(
                OpenedFile(path, flag_names(flags), count.use(booted_s))
                for path, flags, count in self._opened.items()
            ),
            changed=tuple(
                ChangedPath(path, how, count.use(booted_s))
                for how, paths in sorted(self._changed.items())
                for path, _, count in paths.items()
            ),
            loaded=tuple(sorted(self._loaded)),
            mapped=tuple(sorted(self._mapped)),
            mapped_by={path: count.use(booted_s) for path, count in sorted(self._mapped.items())},
            capabilities=tuple(sorted(self._allowed)),
            used_capabilities={name: count.use(booted_s) for name, count in sorted(self._allowed.items())},
            refused_capabilities=tuple(sorted(self._refused - self._allowed.keys())),
            syscalls=tuple(sorted(self._syscalls)),
            used_syscalls={
                call: count.use(booted_s)
                for call, count in sorted(self._called.items())
                if call in self._syscalls
            },
            peers=tuple(sorted(peers)),
            names=tuple(sorted(self._names)),
            failed_names=tuple(sorted(self._failed - self._names)),
            requests=tuple(sorted(self._requests)),
            users=tuple(sorted(self._users)),
            since_s=round(booted_s + self.since_ns / 1e9, 3),
            until_s=round(booted_s + self._last_ns / 1e9, 3),
            lost=_sums(self._lost),
            collapsed=_sums(self._collapsed),
        )

    def _has_room(self, number: int) -> bool:
        if number < MOST_PER_KIND:
            return True
        self._reasons.add(words.TOO_LARGE)
        return False

    def _load(self, path: str) -> None:
        if path not in self._loaded and path.startswith("/"):
            if len(self._loaded) < MOST_LOADED:
                self._loaded.add(path)
            else:
                self._reasons.add(words.TOO_LARGE)

    def _loads(self) -> tuple[str, ...]:
        known = self._suffixes.get(self._program)
        if known is None and len(self._suffixes) < MOST_PER_KIND:
            known = self._suffixes[self._program] = suffixes_of(self._program)
        return known or ()

    def _execute(self, event: Executed) -> None:
        if not event.flags & PSEUDO:
            self._load(event.path)
        self._load(event.name)
        forms = self._executed.get(event.path)
        if forms is None:
            if not self._has_room(len(self._executed)):
                return
            forms = self._executed[event.path] = {}
        one = ExecutedProgram(event.path, event.arguments, is_upper=bool(event.flags & UPPER))
        if one not in forms and len(forms) >= MOST_ARGUMENTS:
            # Arguments that vary without end say nothing more.
            one = ExecutedProgram(event.path, ("⋯⋯",), is_upper=bool(event.flags & UPPER))
        forms[one] = None

    def _open(self, event: Opened) -> None:
        path = _recorded(event)
        self._opened.add(path, event.open_flags, self._program, event.at_ns)
        suffixes = self._loads() if not event.open_flags & _NOT_READ else ()
        if suffixes and event.flags & COLLAPSED:
            for suffix in suffixes:
                self._load(path + suffix)
        elif suffixes and is_source(path, suffixes):
            self._load(source_of(path))

    def _change(self, how: str, path: str, event: Event) -> None:
        if path:
            self._changed.setdefault(how, PathSet()).add(path, 0, self._program, event.at_ns)

    def _rename(self, event: Renamed) -> None:
        self._change("renamed", event.path, event)
        self._change("renamed", event.new_path, event)

    def _map(self, event: Mapped) -> None:
        if event.path in self._mapped or self._has_room(len(self._mapped)):
            self._mapped.setdefault(event.path, UseCount()).add(self._program, event.at_ns)
        if event.flags & PSEUDO:
            return
        self._load(_recorded(event))
        if embedded := suffixes_by(event.path):
            self._suffixes[self._program] = tuple({*self._loads(), *embedded})

    def _use_capability(self, event: CapabilityUsed) -> None:
        if event.is_allowed:
            self._allowed.setdefault(event.capability, UseCount()).add(self._program, event.at_ns)
        else:
            self._refused.add(event.capability)

    def _call(self, event: CallLearned) -> None:
        self._called.setdefault(event.call, UseCount()).add(self._program, event.at_ns)

    def _connect(self, event: Connected) -> None:
        address = event.address if event.direction != "listens" else ""
        port = event.port if event.direction in ("connects", "sends") else event.local_port
        key = (event.direction, address, port, event.protocol)
        if key in self._peers or self._has_room(len(self._peers)):
            self._peers.setdefault(key, UseCount()).add(self._program, event.at_ns)

    def _resolve(self, event: Resolved) -> None:
        if not self._has_room(len(self._names) + len(self._failed)):
            return
        if not event.code:
            self._failed.add(event.name)  # until an answer says otherwise
        elif event.code == "NOERROR":
            self._names.add(event.name)
        for address in event.addresses:
            if self._has_room(len(self._addresses)):
                self._addresses.setdefault(address, set()).add(event.name)

    def _request(self, event: Requested) -> None:
        if self._has_room(len(self._requests)):
            is_outgoing = bool(event.flags & OUTGOING)
            path = event.path.partition("?")[0]
            self._requests.add(Request(is_outgoing, event.method, event.host, path, event.port))

    def _start_tls(self, event: TlsStarted) -> None:
        if event.server_name and event.flags & OUTGOING and self._has_room(len(self._addresses)):
            self._addresses.setdefault(event.peer, set()).add(event.server_name)


def _recorded(event: Opened | Mapped | Altered) -> str:
    """The path, or the pattern of any file in its folder."""
    return f"{event.path.rstrip('/')}/{ANY}" if event.flags & COLLAPSED else event.path


def _sums(counted: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counted.values():
        total.update(one)
    return dict(sorted(total.items()))


def flag_names(flags: int) -> tuple[str, ...]:
    """As open(2) calls them; O_RDONLY where neither of the others is set."""
    names = tuple(name for bit, name in _FLAGS if flags & bit)
    return names if flags & 3 else ("O_RDONLY", *names)


def flag_bits(names: Iterable[str]) -> int:
    """The inverse of ``flag_names``."""
    wanted = set(names)
    return sum(bit for bit, name in _FLAGS if name in wanted)
