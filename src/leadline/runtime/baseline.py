"""What a container is known to do: its complete profile, ready for questions."""

from leadline.model.event import Executed
from leadline.model.profile import Profile
from leadline.runtime.collapse import ANY, PathSet
from leadline.runtime.completeness import knows_capabilities

ANY_ARGUMENTS = "⋯⋯"


class Baseline:
    def __init__(self, profile: Profile) -> None:
        self.until_s = profile.until_s
        self._forms: dict[str, set[tuple[str, ...]]] = {}
        for one in profile.executed:
            self._forms.setdefault(one.path, set()).add(one.arguments)
        self._opened = PathSet()
        for file in profile.opened:
            self._opened.add(file.path)
        self._opened_paths = tuple(file.path for file in profile.opened)
        self.capabilities = frozenset(profile.capabilities)
        self.knows_capabilities = knows_capabilities(profile)
        self.syscalls = frozenset(profile.syscalls)
        self.names = frozenset(name.rstrip(".").lower() for name in (*profile.names, *profile.failed_names))
        self._peers = frozenset((peer.address, peer.port) for peer in profile.peers)
        self._addresses = frozenset(peer.address for peer in profile.peers)
        self._changed = PathSet()
        for change in profile.changed:
            self._changed.add(change.path)

    def ran(self, path: str) -> bool:
        return path in self._forms

    def ran_so(self, event: Executed) -> bool:
        """With these arguments; true where they vary without end."""
        forms = self._forms.get(event.path, ())
        return event.arguments in forms or (ANY_ARGUMENTS,) in forms

    def opened(self, path: str) -> bool:
        return path in self._opened

    def opened_like(self, ending: str) -> bool:
        """Whether a file was opened whose path ends so."""
        return any(
            path.endswith((ending, ANY)) for path in self._opened_paths if ending in path or ANY in path
        )

    def opened_below(self, prefix: str) -> bool:
        return any(path.startswith(prefix) for path in self._opened_paths)

    def changed(self, path: str) -> bool:
        return path in self._changed

    def connected(self, address: str, port: int = 0) -> bool:
        return (address, port) in self._peers if port else address in self._addresses
