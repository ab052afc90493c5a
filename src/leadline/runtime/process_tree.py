"""Which process started which, from what was executed; and who did what is being judged."""

from collections import OrderedDict

from msgspec import Struct

from leadline.model.alert import Process
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, UPPER, Event, Executed

MOST_PROCESSES = 32_768
DEEPEST = 16
_MANY_IN_ONE = frozenset({"busybox", "toybox", "coreutils", "exe"})
"""Programs that are many tools; the first argument says which. Busybox starts itself again as /proc/self/exe."""


class ClusterFacts(Struct, frozen=True):
    """What the rules may know of the cluster around the node."""

    api_servers: frozenset[str] = frozenset()
    """Addresses of the API server, as pods reach it."""


class ProcessTree:
    """Of all that was executed; the processes that did nothing for the longest time are forgotten first."""

    def __init__(self) -> None:
        self._processes: OrderedDict[int, Process] = OrderedDict()

    def add(self, event: Executed) -> None:
        flags = event.flags
        self._processes[event.pid] = Process(
            event.pid,
            event.parent_pid,
            event.path,
            event.arguments,
            event.program,
            event.uid,
            bool(flags & UPPER),
            bool(flags & FIRST_PROCESS),
        )
        self._processes.move_to_end(event.pid)
        if len(self._processes) > MOST_PROCESSES:
            self._processes.popitem(last=False)

    def get(self, pid: int) -> Process | None:
        return self._processes.get(pid)

    def above(self, pid: int) -> list[Process]:
        """The ancestors that are known, the nearest first, up to the container's first process."""
        found: list[Process] = []
        process = self._processes.get(pid)
        while process is not None and len(found) < DEEPEST and process not in found:
            found.append(process)
            if process.is_first:
                break
            process = self._processes.get(process.parent_pid)
        return found


class Actor:
    """Who did it. One value that the engine fills for each event: a rule keeps nothing of it."""

    __slots__ = ("_above", "_tool", "_tree", "cluster", "container", "event", "path")

    def __init__(self, tree: ProcessTree, cluster: ClusterFacts) -> None:
        self._tree = tree
        self.cluster = cluster
        self.container = Container("")
        self.event: Event = Event(0, 0, 0, 0, 0, 0, "")
        self.path = ""
        """Of the program; empty where it was never seen to start."""
        self._tool: str | None = None
        self._above: list[Process] | None = None

    def take(self, event: Event, container: Container, path: str) -> None:
        self.event = event
        self.container = container
        self.path = path
        self._tool = None
        self._above = None

    @property
    def tool(self) -> str:
        """What the program is called: ``curl``; of one that is many tools the one that was asked for."""
        if self._tool is None:
            event = self.event
            if type(event) is Executed:
                self._tool = tool_of(event.path, event.arguments)
            else:
                process = self._tree.get(event.pid)
                known = process is not None and process.path == self.path
                self._tool = tool_of(self.path, process.arguments if process and known else ())
                if self._tool in _MANY_IN_ONE or not self._tool:
                    self._tool = event.program
        return self._tool

    @property
    def above(self) -> list[Process]:
        """Its ancestors, the nearest first, as far as they are known."""
        if self._above is None:
            self._above = self._tree.above(self.event.parent_pid)
        return self._above

    @property
    def parent_tool(self) -> str:
        """Empty where the parent is not known."""
        above = self.above
        return tool_of(above[0].path, above[0].arguments) if above else ""

    @property
    def has_entered(self) -> bool:
        """Whether it came from outside, as ``kubectl exec`` and probes do: no chain leads to process 1 of the container."""
        if self.event.flags & FIRST_PROCESS:
            return False
        process = self._tree.get(self.event.pid)
        if process is not None and process.is_first:
            return False
        above = self.above
        return not above or not above[-1].is_first

    def chain(self) -> tuple[Process, ...]:
        """Itself, then its ancestors."""
        event = self.event
        itself = self._tree.get(event.pid)
        if itself is None:
            # A fork that executed nothing of its own.
            itself = Process(event.pid, event.parent_pid, self.path, (), event.program, event.uid)
        return (itself, *self.above)


def tool_of(path: str, arguments: tuple[str, ...]) -> str:
    name = path.rpartition("/")[2]
    for word in arguments[:2]:
        if name not in _MANY_IN_ONE:
            break
        name = word.rpartition("/")[2]
    return name
