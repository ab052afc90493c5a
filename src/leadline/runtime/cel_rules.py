"""Rules of users in CEL: objects of the kind ``Rules`` of the ecosystem, one compiled expression for each type of event.

The engine of the language is in the extra ``rules``. Format: https://kubescape.io/docs/operator/runtime-threat-detection/
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from leadline.errors import SourceError
from leadline.model import event as of
from leadline.model.event import OUTGOING, PARENT_UPPER, UPPER, Event
from leadline.runtime.baseline import Baseline
from leadline.runtime.learning import flag_names
from leadline.runtime.process_tree import Actor
from leadline.runtime.rule import Rule

MOST_RULES = 500
LONGEST_EXPRESSION = 4_096
TYPES: Mapping[str, type[Event]] = {
    "exec": of.Executed,
    "open": of.Opened,
    "network": of.Connected,
    "dns": of.Resolved,
    "capabilities": of.CapabilityUsed,
    "symlink": of.Linked,
    "hardlink": of.Linked,
    "http": of.Requested,
    "ssh": of.SshGreeted,
    "ptrace": of.Traced,
    "unshare": of.NamespaceChanged,
    "bpf": of.BpfLoaded,
    "kmod": of.ModuleChanged,
    "iouring": of.RingUsed,
    "syscall": of.CallUsed,
}
"""What the ecosystem calls an event, and ours."""
LONGEST_TEXT = 4_096
MOST_TEXTS = 256
"""Of an event, such as arguments, that expressions see."""
MOST_SUMS = 16
MOST_SUMS_IN_LOOPS = 4
MOST_MAKERS = 1
MOST_MATCHES = 8
MOST_LOOPS = 8
MOST_CALLS_IN_LOOPS = 16
MOST_COMMAS = 400
"""A loop may go over a list that is written in the expression."""
_LOOPS = frozenset(
    [
        "all",
        "exists",
        "exists_one",
        "existsOne",
        "map",
        "filter",
        "transformList",
        "transformMap",
        "transformMapEntry",
    ]
)
_ARGUMENTS = re.compile(r"\bevent\s*\.\s*args\s*\.\s*join\s*\(\s*(?:'')?\s*\)")
"""All arguments as one text, which is about as long as they are; without texts, as ``_emptied`` leaves them."""
LONGEST_SEPARATOR = 8
_MAKERS = frozenset(["replace", "join", "split", "format", "reverse", "quote"])
_TEXTS = re.compile(
    r"""\b[bB]?[rR](?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")"""
    r"""|'''(?:\\.|.)*?'''|\"\"\"(?:\\.|.)*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|//[^\n]*""",
    re.DOTALL,
)
"""Literals, raw ones first, and comments: what is written in them is not called."""
_TOKENS = re.compile(r"(?P<dot>\.\s*)?(?P<name>\b[A-Za-z_]\w*)?\s*\(|[)+,]")
"""Calls with their names, other parentheses, and what else costs."""
_MOST = (
    ("makers", MOST_MAKERS, "call that makes texts, such as replace and join"),
    ("matches", MOST_MATCHES, "calls of matches"),
    ("+", MOST_SUMS, "times +"),
    ("inner +", MOST_SUMS_IN_LOOPS, "times + within loops"),
    ("loops", MOST_LOOPS, "loops, such as exists and map"),
    ("inner calls", MOST_CALLS_IN_LOOPS, "calls within loops"),
    (",", MOST_COMMAS, "commas"),
)
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_NO_FIELD = re.compile(r'Key not found in map : "([^"]*)"')
_PROBES = {
    "exec": "exec", "open": "open", "network": "socket", "dns": "traffic", "capabilities": "capability", "symlink": "link",
    "hardlink": "link", "http": "traffic", "ssh": "traffic", "ptrace": "ptrace", "unshare": "namespace", "bpf": "bpf",
    "kmod": "module", "iouring": "io_uring", "syscall": "syscalls",
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "was_executed": lambda known, _, path: known.ran(path),
    "was_executed_with_args": lambda known, _, path, args: known.ran_so(
        of.Executed(0, 0, 0, 0, 0, 0, "", path=path, arguments=tuple(map(str, args)))
    ),
    "was_path_opened": lambda known, _, path: known.opened(path),
    "was_path_opened_with_flags": lambda known, _, path, flags: known.opened(path),
    "was_path_opened_with_prefix": lambda known, _, prefix: known.opened_below(prefix),
    "was_path_opened_with_suffix": lambda known, _, suffix: known.opened_like(suffix),
    "was_syscall_used": lambda known, _, name: name in known.syscalls,
    "was_capability_used": lambda known, _, name: name.removeprefix("CAP_") in known.capabilities,
    "was_address_in_egress": lambda known, _, address: known.connected(address),
    "was_address_in_ingress": lambda known, _, address: known.connected(address),
    "was_address_port_protocol_in_egress": lambda known, _, address, port, protocol: known.connected(
        address, int(port)
    ),
    "is_domain_in_egress": lambda known, _, name: name.rstrip(".").lower() in known.names,
    "is_domain_in_ingress": lambda known, _, name: name.rstrip(".").lower() in known.names,
}
"""Questions to the profile, by the name after ``ap.``, ``nn.`` or ``cp.``; the first argument is the id of the container."""


class _Language:
    """The engine, with the one event that is being judged: rules about it share what is made of it."""

    def __init__(self) -> None:
        try:
            from cel_expr_python import cel
            from cel_expr_python.ext import ext_strings
        except ModuleNotFoundError as error:
            raise SourceError("rules in CEL need an engine", hint="pip install 'leadline[rules]'") from error
        except ImportError as error:
            raise SourceError(f"the engine of rules in CEL cannot be loaded: {error}") from error
        self._known: Baseline | None = None
        self._event: Event | None = None
        self._activation: Any = None
        any_type = cel.Type.DYN
        self._error = cel.Type.ERROR
        functions = [
            cel.FunctionDecl(
                f"{prefix}.{name}",
                [
                    cel.Overload(
                        id=f"{prefix}_{name}",
                        return_type=any_type,
                        parameters=[any_type] * _arity(ask),
                        impl=self._asking(ask),
                    )
                ],
            )
            for prefix in ("ap", "nn", "cp")
            for name, ask in _FUNCTIONS.items()
        ]
        functions.append(
            cel.FunctionDecl(
                "net.is_private_ip",
                [
                    cel.Overload(
                        id="net_private", return_type=any_type, parameters=[any_type], impl=_is_private
                    )
                ],
            )
        )
        extensions = [cel.CelExtension("leadline", functions), ext_strings.ExtStrings()]
        self._environment = cel.NewEnv(
            variables={"event": any_type, "eventType": any_type}, extensions=extensions
        )

    def compiled(self, expression: str) -> Any:
        """Raises: ``SourceError``."""
        if why := too_costly(expression):
            raise SourceError(why)
        try:
            return self._environment.compile(expression)
        except Exception as error:
            raise SourceError(f"invalid CEL: {_first_error(str(error))}") from error

    def value(self, program: Any, event: Event, actor: Actor, known: Baseline | None) -> Any:
        """What the expression is worth; a ``ValueError`` where it has no value."""
        if event is not self._event:
            self._event, self._known = event, known
            fields = event_fields(event, actor)
            self._activation = self._environment.Activation(
                {"event": fields, "eventType": fields["eventType"]}
            )
        found = program.eval(self._activation)
        return ValueError(str(found.value())) if found.type() == self._error else found.value()

    def _asking(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        # Where there is no profile, nothing was ever done.
        return lambda *words: self._known is not None and bool(ask(self._known, *words))


def cel_rules(body: Mapping[str, Any], where: str) -> list[Rule]:
    """The rules of one object of the kind ``Rules``.

    Raises: ``SourceError`` with the first rule that something is wrong with.
    """
    rules, problems = read_rules(body, where)
    if problems:
        raise problems[0]
    return rules


def read_rules(body: Mapping[str, Any], where: str) -> tuple[list[Rule], list[SourceError]]:
    """The rules of one object of the kind ``Rules``, and what is wrong with others of them.

    Raises: ``SourceError`` where nothing of it can be used.
    """
    rules: list[Rule] = []
    problems: list[SourceError] = []
    language: _Language | None = None
    spec = body.get("spec")
    rows = spec.get("rules") if isinstance(spec, dict) else None
    if not isinstance(rows, list):
        raise SourceError(f"{where}: spec.rules is not a list of rules")
    if len(rows) > MOST_RULES:
        raise SourceError(f"{where}: more than {MOST_RULES} rules")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            problems.append(SourceError(f"{where}: spec.rules[{number}] is not a rule"))
            continue
        if row.get("enabled") is False:
            continue
        language = language or _Language()
        name = f"{where}: rule {row.get('id') or row.get('name') or number}"
        try:
            # All of a rule or nothing: it may be one for each type of event.
            rules += list(_rules_of(row, language))
        except SourceError as error:
            problems.append(SourceError(f"{name}: {error.args[0]}", hint=error.hint))
        except KeyError as error:
            problems.append(SourceError(f"{name} has no {error.args[0]}"))
        except (TypeError, ValueError, AttributeError) as error:
            problems.append(SourceError(f"{name} is malformed: {error}"[:300]))
    return rules, problems


def _rules_of(row: Mapping[str, Any], language: _Language) -> Iterator[Rule]:
    expressions = row["expressions"]
    message = language.compiled(str(expressions["message"])) if expressions.get("message") else None
    id, title = str(row["id"]), str(row.get("name") or row["id"])
    score = float(row.get("severity") or 1)
    if not 0 <= score <= 10:
        raise SourceError(f"the severity {score:g} is not from 0 to 10")
    for one in expressions["ruleExpression"]:
        kind = str(one["eventType"])
        if kind not in TYPES:
            raise SourceError(f"unknown event type {kind[:40]}; use one of {', '.join(TYPES)}")
        yield Rule(
            id=id,
            title=title,
            score=score,
            doc=str(row.get("description") or title),
            event=TYPES[kind],
            check=_check(language, language.compiled(str(one["expression"])), message, (kind, title)),
            takes=3,
            waits=int(row.get("profileDependency", 2)) == 0,
            needs=(_PROBES[kind],),
            mitre=tuple(str(row[name]) for name in ("mitreTactic", "mitreTechnique") if row.get(name)),
            is_own=True,
        )


def _check(
    language: _Language, program: Any, message: Any, names: tuple[str, str]
) -> Callable[[Event, Actor, Baseline | None], str | None]:
    kind, title = names

    def check(event: Event, actor: Actor, known: Baseline | None) -> str | None:
        if isinstance(event, of.Linked) and event.is_symbolic != (kind == "symlink"):
            return None
        found = language.value(program, event, actor, known)
        if isinstance(found, ValueError):
            raise _without_value(found, kind)
        if not isinstance(found, bool):
            raise ValueError(f"the expression gives {found!r}, neither true nor false")
        if not found:
            return None
        text = language.value(message, event, actor, known) if message is not None else title
        # A message that asks for a field of another event does not lose the alert.
        return text if isinstance(text, str) else title

    return check


def event_fields(event: Event, actor: Actor) -> dict[str, Any]:
    """As rules of the ecosystem name them."""
    container = actor.container
    fields: dict[str, Any] = {
        "eventType": next((name for name, kind in TYPES.items() if kind is type(event)), ""),
        "pid": event.pid,
        "ppid": event.parent_pid,
        "uid": event.uid,
        "comm": event.program,
        "exepath": actor.path,
        "pcomm": actor.parent_tool,
        "containerId": container.id,
        "containerName": container.name,
        "podName": container.pod,
        "namespace": container.namespace,
        "upperlayer": bool(event.flags & UPPER),
        "pupperlayer": bool(event.flags & PARENT_UPPER),
    }
    match event:
        case of.Executed():
            more: dict[str, Any] = {
                "args": [one[:LONGEST_TEXT] for one in _first_of(event.arguments)],
                "exepath": event.path[:LONGEST_TEXT], "path": event.path[:LONGEST_TEXT], "cwd": event.folder[:LONGEST_TEXT],
                "hasTty": bool(event.tty)
            }  # fmt: skip
        case of.Opened():
            more = {
                "path": event.path[:LONGEST_TEXT],
                "flags": list(flag_names(event.open_flags)),
                "flagsRaw": event.open_flags,
            }
        case of.Connected():
            is_out = event.direction in ("connects", "sends")
            more = {
                "dstAddr": event.address, "dstIp": event.address, "dstPort": event.port, "srcPort": event.local_port,
                "proto": event.protocol, "pktType": "OUTGOING" if is_out else "HOST",
            }  # fmt: skip
        case of.Resolved():
            more = {"name": f"{event.name[:LONGEST_TEXT].rstrip('.')}."}
        case of.CapabilityUsed():
            more = {"capName": event.capability}
        case of.Linked():
            more = {
                "eventType": "symlink" if event.is_symbolic else "hardlink",
                "oldPath": event.target[:LONGEST_TEXT],
                "newPath": event.path[:LONGEST_TEXT],
            }
        case of.Requested():
            request = {
                "method": event.method,
                "host": event.host[:LONGEST_TEXT],
                "path": event.path[:LONGEST_TEXT],
            }
            more = {
                "request": request,
                "direction": "outbound" if event.flags & OUTGOING else "inbound",
                "dstPort": event.port,
            }
        case of.SshGreeted():
            more = {"dstIp": event.peer, "dstPort": event.peer_port, "srcPort": event.local_port}
        case of.ModuleChanged():
            more = {"module": event.name, "syscallName": f"{event.call}_module"}
        case of.RingUsed():
            more = {"opcode": event.operation}
        case of.CallUsed():
            more = {"syscallName": event.call}
        case of.NamespaceChanged():
            more = {"flags": list(event.namespaces)}
        case of.BpfLoaded():
            more = {"cmd": 5, "attrSize": 0}
        case _:
            more = {}
    return fields | more


def _first_of(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """As many as are bounded in number and length; the kernel gives 1,024 bytes of all."""
    length = 0
    for number, one in enumerate(arguments[:MOST_TEXTS]):
        length += len(one)
        if length > LONGEST_TEXT:
            return arguments[: number + 1]
    return arguments[:MOST_TEXTS]


def too_costly(expression: str) -> str:
    """Why it might take too long or too much memory; empty where it cannot.

    The engine is not interrupted and frees nothing before the end. It stops after 10,000 iterations; what one of them may
    cost is bounded here, and texts of an event by ``LONGEST_TEXT``.
    """
    if len(expression) > LONGEST_EXPRESSION:
        return f"an expression is longer than {LONGEST_EXPRESSION} characters"
    open_calls: list[bool] = []
    """Whether each is a loop."""
    number: Counter[str] = Counter()
    plain = _ARGUMENTS.sub("event.comm", _TEXTS.sub(_emptied, expression))
    for token in _TOKENS.finditer(plain):
        is_inner = any(open_calls)
        if token[0] in "+,":
            number[token[0]] += 1
            number["inner +"] += is_inner and token[0] == "+"
            continue
        if token[0] == ")":
            open_calls = open_calls[:-1]
            continue
        name = token["name"] or ""
        is_loop, is_maker = (bool(token["dot"]) and name in one for one in (_LOOPS, _MAKERS))
        if is_inner and (is_loop or is_maker or name == "matches"):
            hint = "; use event.args.join(' ').matches(…)" if name == "matches" else ""
            return f"{name} within a loop{hint}"
        number["loops"] += is_loop
        number["makers"] += is_maker
        number["matches"] += name == "matches"
        number["inner calls"] += is_inner and name not in ("", "in", "has")
        open_calls.append(is_loop)
    for what, most, text in _MOST:
        if number[what] > most:
            return f"more than {most} {text}"
    for what in ("loops", "matches"):
        if number["makers"] and number[what]:
            return (
                f"{what} beside a call that makes texts, such as split; event.args.join(' ') may be beside it"
            )
    return ""


def _emptied(found: re.Match[str]) -> str:
    """A literal or a comment, short or long."""
    return "''" if len(found[0]) <= LONGEST_SEPARATOR else '""'


def _first_error(text: str) -> str:
    """The engine says more than one thing and draws the place below each; the first is the cause of the others."""
    found = _PLACE.search(text)
    said = f"line {found[1]}, column {found[2]}: {found[3]}" if found else " ".join(text.split())
    return said.replace(" (in container '')", "")[:300]


def _without_value(error: ValueError, kind: str) -> ValueError:
    found = _NO_FIELD.search(str(error))
    return ValueError(f"an event of the type {kind} has no field {found[1]}") if found else error


def _arity(ask: Callable[..., Any]) -> int:
    """Without the profile."""
    return ask.__code__.co_argcount - 1


def _is_private(address: Any) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(str(address)).is_private
    except ValueError:
        return False
