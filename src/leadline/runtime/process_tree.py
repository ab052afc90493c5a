"""Which process started which, from what was executed; and who did what is being judged."""

from collections import OrderedDict
from collections.abc import Collection

from msgspec import Struct

from leadline.model.alert import Process
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, UPPER, Event, Executed

MOST_PROCESSES = 32_768
DEEPEST = 16
MINUTE_NS = 60_000_000_000
MOST_COUNTED = 2_048
MOST_VALUES = 100
_FOR_EVERYBODY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108 - where others put programs
_MANY_IN_ONE = frozenset({"busybox", "toybox", "coreutils", "exe"})
"""Programs that are many tools; the first argument says which. Busybox starts itself again as /proc/self/exe."""


class ClusterFacts(Struct, frozen=True):
    """What the rules may know of the cluster around the node."""

    api_servers: frozenset[str] = frozenset()
    """Addresses of the API server, as pods reach it."""


class _Node:
    __slots__ = ("above", "depth", "exe_id", "has_entered", "process", "start_ns")

    def __init__(self, process: Process, event: Executed, above: "_Node | None") -> None:
        self.process = process
        self.exe_id = event.exe_id
        self.start_ns = event.start_ns
        self.has_entered: bool = not process.is_first and (above is None or above.has_entered)
        if above is not None and above.depth >= DEEPEST:
            above = None
        self.above = above
        self.depth: int = 1 if above is None else above.depth + 1


class ProcessTree:
    """Of all that was executed; the processes that did nothing for the longest time are forgotten first.

    Forks are not recorded. What a fork does is taken for done by the last process of its namespace that started the same program.
    """

    def __init__(self) -> None:
        self._nodes: OrderedDict[int, _Node] = OrderedDict()
        self._by_program: OrderedDict[tuple[int, int], _Node] = OrderedDict()
        self._spaces: OrderedDict[int, None] = OrderedDict()
        """Mount namespaces in which something was executed."""

    def add(self, event: Executed) -> None:
        flags = event.flags
        above = self._nodes.get(event.parent_pid)
        if above is None or above.start_ns != event.parent_start_ns:
            above = self._by_program.get((event.ns_id, event.parent_exe_id))
        # Where containers share the processes of their pod or node, none of their own has the number 1.
        is_first = bool(flags & FIRST_PROCESS) or (above is None and event.ns_id not in self._spaces)
        self._spaces[event.ns_id] = None
        if len(self._spaces) > MOST_PROCESSES:
            self._spaces.popitem(last=False)
        process = Process(
            event.pid,
            event.parent_pid,
            event.path,
            event.arguments,
            event.program,
            event.uid,
            bool(flags & UPPER),
            is_first,
        )
        node = _Node(process, event, None if process.is_first else above)
        for table, key in ((self._nodes, event.pid), (self._by_program, (event.ns_id, event.exe_id))):
            table[key] = node  # type: ignore[index]
            table.move_to_end(key)  # type: ignore[arg-type]
            if len(table) > MOST_PROCESSES:
                table.popitem(last=False)

    def node(self, event: Event) -> tuple[_Node | None, bool]:
        """Of the process that did it, or of the one that it is a fork of; and whether it is that of the process itself."""
        node = self._nodes.get(event.pid)
        if node is None or not self._is_of(node.process, node.exe_id, event):
            return self._by_program.get((event.ns_id, event.exe_id)), False
        return node, True

    def _is_of(self, process: Process, exe_id: int, event: Event) -> bool:
        """Whether it is this process, not one that has its number by now: the kernel gives numbers again."""
        if exe_id != event.exe_id:
            return False
        if process.parent_pid == event.parent_pid:
            return True
        # An orphan goes to the first process of its container, or to one outside.
        parent = self._nodes.get(event.parent_pid)
        return parent is None or parent.process.is_first


class Actor:
    """Who did it. One value that the engine fills for each event: a rule keeps nothing of it."""

    __slots__ = (
        "_counted",
        "_is_itself",
        "_line",
        "_node",
        "_tool",
        "_tree",
        "cluster",
        "container",
        "event",
        "path",
    )

    def __init__(self, tree: ProcessTree, cluster: ClusterFacts) -> None:
        self._tree = tree
        self.cluster = cluster
        self.container = Container("")
        self.event: Event = Event(0, 0, 0, 0, 0, 0, "")
        self.path = ""
        """Of the program; empty where it was never seen to start."""
        self._tool: str | None = None
        self._node: _Node | None = None
        self._is_itself = False
        self._line: str | None = None
        self._counted: OrderedDict[tuple[str, str], tuple[int, set[str]]] = OrderedDict()

    def take(self, event: Event, container: Container, path: str) -> None:
        self.event = event
        self.container = container
        self.path = path
        self._tool = self._node = self._line = None

    @property
    def tool(self) -> str:
        """What the program is called: ``curl``; of one that is many tools the one that was asked for."""
        if self._tool is None:
            event = self.event
            if type(event) is Executed:
                self._tool = tool_of(event.path, event.arguments)
            else:
                node = self._found()
                # Of many tools in one file, what was started last says nothing of the fork of another.
                self._tool = tool_of(self.path, node.process.arguments if node and self._is_itself else ())
                if self._tool in _MANY_IN_ONE or not self._tool:
                    self._tool = event.program
        return self._tool

    def is_known_as(self, names: Collection[str]) -> bool:
        """Whether it is one of ``names``, which a rule lets pass.

        A program that is not of the image, or lies in a volume or a folder for everybody, may be called anything: it is none of them.
        """
        if self.tool not in names or self.path.startswith(_FOR_EVERYBODY):
            return False
        if any(self.path.startswith(f"{mount}/") for mount in self.container.mounts):
            return False
        node = self._found()
        return node is None or not node.process.is_upper

    @property
    def is_first(self) -> bool:
        """Whether it is the container's first process, which the pod or the image names."""
        node = self._found()
        return node is not None and node.process.is_first and self._is_itself

    @property
    def is_of_first(self) -> bool:
        """Whether it is that or a fork of it which started no other program, such as a worker of a server."""
        node = self._found()
        return node is not None and node.process.is_first

    @property
    def arguments(self) -> tuple[str, ...]:
        """Those that its process was started with; empty for a fork."""
        node = self._found()
        return node.process.arguments if node is not None and self._is_itself else ()

    @property
    def line(self) -> str:
        """Of a program that was started its arguments after the first, as one text."""
        if self._line is None:
            event = self.event
            self._line = " ".join(event.arguments[1:]) if type(event) is Executed else ""
        return self._line

    @property
    def script(self) -> str:
        """Of a script that was started what it is called, empty for other programs: the kernel puts its path among the arguments."""
        event = self.event
        if type(event) is Executed and event.name and event.name in event.arguments[1:3]:
            return event.name.rpartition("/")[2]
        return ""

    def _found(self) -> _Node | None:
        if self._node is None:
            self._node, self._is_itself = self._tree.node(self.event)
        return self._node

    @property
    def above(self) -> list[Process]:
        """Its ancestors, the nearest first, as far as they are known, up to the container's first process."""
        found = []
        node = self._found()
        while node is not None and node.above is not None:
            node = node.above
            found.append(node.process)
        return found

    @property
    def parent_tool(self) -> str:
        """Empty where the parent is not known."""
        above = self.above
        return tool_of(above[0].path, above[0].arguments) if above else ""

    def distinct(self, what: str, value: str) -> int:
        """How many different values of ``what`` this container has had within a minute, this one as well."""
        key = (self.container.id, what)
        began_ns, values = self._counted.get(key, (0, set()))
        if self.event.at_ns - began_ns > MINUTE_NS:
            began_ns, values = self.event.at_ns, set()
        if len(values) < MOST_VALUES:
            values.add(value)
        self._counted[key] = (began_ns, values)
        self._counted.move_to_end(key)
        if len(self._counted) > MOST_COUNTED:
            self._counted.popitem(last=False)
        return len(values)

    @property
    def has_entered(self) -> bool:
        """Whether it came from outside, as ``kubectl exec`` and probes do: no chain leads to process 1 of the container."""
        node = self._found()
        return node is None or node.has_entered

    def chain(self) -> tuple[Process, ...]:
        """Itself, then its ancestors; nothing for what no process of the node did."""
        event = self.event
        if not event.pid:
            return ()
        node = self._found()
        if node is None:
            return (Process(event.pid, event.parent_pid, self.path, (), event.program, event.uid),)
        if self._is_itself:
            return (node.process, *self.above)
        # A fork that executed nothing of its own.
        itself = Process(event.pid, event.parent_pid, self.path, (), event.program, event.uid)
        return (itself, node.process, *self.above)


def tool_of(path: str, arguments: tuple[str, ...]) -> str:
    name = path.rpartition("/")[2]
    for word in arguments[:2]:
        if name not in _MANY_IN_ONE:
            break
        name = word.rpartition("/")[2]
    return name
