"""Owners and modes of files of a node, as the objects of ``hostdata.kubescape.cloud`` hold them.

``leadline host facts`` and the node part of the chart write those, and existing agents do. Their ``spec.unread`` says what could
not be read; without it, a file that is not named may be there all the same.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from leadline.kube.workload import Body
from leadline.model.control import NotApplicable, NotJudged, Review, Violations
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.subject import mapping, mappings, text

GROUP = "hostdata.kubescape.cloud"
KUBELET = f"KubeletInfo.{GROUP}"
PROXY = f"KubeProxyInfo.{GROUP}"
CONTROL_PLANE = f"ControlPlaneInfo.{GROUP}"
NETWORK = f"CNIInfo.{GROUP}"
ROOT = (0, 0)
"""Ids of user and group."""


class HostFile(NamedTuple):
    """A file or folder of a node."""

    place: str
    """From the object's root to what is said of it."""
    path: str
    mode: int | None
    """``None`` where it is not known."""
    owner: tuple[int, int] | None
    """Ids of user and group; ``None`` where they are not known."""
    names: tuple[str, str]
    """Of user and group; empty where the node has none for the id."""


def facts_root(node: Resource) -> tuple[str, Body]:
    """Path and body of what an object says: ``spec``, or ``data`` as agents before wrote it."""
    spec = mapping(node.body.get("spec"))
    return ("spec", spec) if spec else ("data", mapping(node.body.get("data")))


def looser_than(most: int, node: Resource, *fields: str, ending: str = "") -> Violations:
    """The files in ``fields`` that allow more than the mode ``most``, 0o600.

    Raises: ``NotApplicable``, ``NotJudged``.
    """
    for file in _files_at(node, *fields, ending=ending):
        if file.mode is None:
            raise NotJudged(f"the mode of {file.path} is not in the facts of the node")
        if file.mode & 0o7777 & ~most:
            advice = f"chmod {file.mode & most:o} {file.path} (now {file.mode & 0o7777:o})"
            yield Review(f"{file.place}.permissions", advice=advice)


def not_owned_by_root(
    node: Resource, *fields: str, or_names: tuple[str, str] = ("root", "root")
) -> Violations:
    """The files in ``fields`` that belong to another user or group than root, or than those of ``or_names``.

    Raises: ``NotApplicable``, ``NotJudged``.
    """
    for file in _files_at(node, *fields):
        if file.owner is None:
            raise NotJudged(f"the owner of {file.path} is not in the facts of the node")
        if file.owner != ROOT and file.names != or_names:
            now = ":".join(name or str(id) for name, id in zip(file.names, file.owner, strict=True))
            yield Review(
                f"{file.place}.ownership", advice=f"chown {':'.join(or_names)} {file.path} (now {now})"
            )


def _files_at(node: Resource, *fields: str, ending: str = "") -> Iterator[HostFile]:
    """The files in ``fields``, each ``adminConfigFile`` or ``APIServerInfo.specsFile``, of a list all of them.

    Raises, after the files that are known: ``NotJudged`` where some could not be read, ``NotApplicable`` where the node
    has none.
    """
    root, body = facts_root(node)
    is_any = False
    for field in fields:
        for file in _files(f"{root}.{field}", _at(body, field)):
            if file.path.endswith(ending):
                is_any = True
                yield file
    _refuse_unread(node, body, fields)
    if not is_any:
        if "unread" not in body:
            raise NotJudged(f"{' and '.join(fields)} not in the facts of node {node.name}")
        raise NotApplicable("the node has no such file")


def _refuse_unread(node: Resource, body: Body, fields: tuple[str, ...]) -> None:
    for _, unread in mappings(body.get("unread")):
        if text(unread.get("field")) in fields:
            path, why = text(unread.get("path"))[:500], text(unread.get("why"))[:500]
            raise NotJudged(
                f"{path} of node {node.name} was not read: {why}",
                Unread(
                    f"{node.title}: {path}",
                    why or "not read",
                    "forbidden",
                    hint=text(unread.get("hint"))[:500],
                ),
            )


def _files(place: str, value: Any) -> Iterator[HostFile]:
    if isinstance(value, list):
        for index, item in mappings(value):
            yield _file(f"{place}[{index}]", item)
    elif isinstance(value, dict) and value:
        yield _file(place, value)


def _file(place: str, body: Body) -> HostFile:
    mode, ownership = body.get("permissions"), mapping(body.get("ownership"))
    uid, gid = ownership.get("uid"), ownership.get("gid")
    owner = (uid, gid) if isinstance(uid, int) and isinstance(gid, int) and not ownership.get("err") else None
    return HostFile(
        place,
        text(body.get("path")),
        mode if isinstance(mode, int) and not isinstance(mode, bool) else None,
        owner,
        (text(ownership.get("username")), text(ownership.get("groupname"))),
    )


def _at(body: Body, field: str) -> Any:
    value: Any = body
    for step in field.split("."):
        value = mapping(value).get(step)
    return value
