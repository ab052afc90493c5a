"""No way out of what is scanned: by links, dependencies, archives, limits or addresses."""

import io
import os
import socket
import stat
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from leadline.sources.boundary import boundary_of
from leadline.sources.confinement import Modes, offered_modes
from leadline.sources.manifests.reader import read_manifests
from leadline.sources.rendering.kustomize.build import find_program
from leadline.sources.rendering.plan.result import Rendered, RenderOptions
from leadline.sources.rendering.render import read_rendered

ENVIRONMENT = {"PATH": os.environ.get("PATH", "")}
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"
SECRET = "the-content-of-a-file-outside"
LEAK = POD + 'spec:\n  containers:\n  - name: c\n    image: {{ .Files.Get "files/s" }}\n'
OFFERED = offered_modes()
MODES = [Modes("none", "none"), *([OFFERED] if Modes() != OFFERED else []), Modes(OFFERED.files, "none")]

needs_kustomize = pytest.mark.skipif(
    not find_program(ENVIRONMENT), reason="neither kustomize nor kubectl is here"
)
all_modes = pytest.mark.parametrize("modes", MODES, ids=lambda modes: f"{modes.files}-{modes.network}")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def chart(folder: str, template: str = POD, more: str = "") -> dict[str, str]:
    metadata = f"apiVersion: v2\nname: {folder.rpartition('/')[2]}\nversion: 1.0.0\n{more}"
    return {f"{folder}/Chart.yaml": metadata, f"{folder}/templates/it.yaml": template}


def render(root: Path, modes: Modes) -> Rendered:
    return read_rendered(root, RenderOptions(ENVIRONMENT, modes=modes))


def leaks(found: Rendered) -> bool:
    return SECRET in repr(found)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return write(tmp_path, {"secret": SECRET}) / "secret"


@all_modes
def test_a_dependency_by_file_whose_chart_holds_a_link_is_not_lent(
    tmp_path: Path, secret: Path, modes: Modes
):
    pytest.importorskip("helm_python")
    more = 'dependencies: [{name: b, version: 1.0.0, repository: "file://../b"}]\n'
    root = write(tmp_path / "scanned", chart("a", more=more) | chart("b", LEAK))
    (root / "b/files").mkdir()
    (root / "b/files/s").symlink_to(secret)
    found = render(root, modes)
    assert not leaks(found)
    assert {u.where for u in found.unread} == {"a", "b/files/s"}


@all_modes
def test_a_link_within_what_a_link_leads_to_is_seen(tmp_path: Path, secret: Path, modes: Modes):
    pytest.importorskip("helm_python")
    root = write(tmp_path / "scanned", chart("a", LEAK) | {"elsewhere/x": ""})
    (root / "elsewhere/s").symlink_to(secret)
    (root / "a/files").symlink_to("../elsewhere")
    found = render(root, modes)
    assert not leaks(found)
    assert [u.why for u in found.unread] == [
        "a symbolic link leads out of the scanned folder, so the chart was not rendered"
    ]


@all_modes
def test_an_archive_that_is_a_link_out_is_not_rendered(tmp_path: Path, modes: Modes):
    pytest.importorskip("helm_python")
    with tarfile.open(tmp_path / "out.tgz", "w:gz") as archive:
        for name, text in chart("c").items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    root = write(tmp_path / "scanned", {"x.txt": ""})
    (root / "x.tgz").symlink_to(tmp_path / "out.tgz")
    found = render(root, modes)
    assert (found.resources, [u.where for u in found.unread]) == ((), ["x.tgz"])
    assert len(render(root / "x.tgz", modes).resources) == 1, "who names the link means what it leads to"


def test_beyond_the_limit_the_answer_is_no(tmp_path: Path):
    root = write(tmp_path, {f"c/{number}": "" for number in range(20)})
    boundary = boundary_of(root)
    assert boundary.refusal(root / "c", entries=20) is None
    refusal = boundary.refusal(root / "c", entries=19)
    assert refusal is not None
    assert "more than 19 files" in refusal.why


def test_of_many_paths_those_are_held_that_are_held_alone(tmp_path: Path):
    root = write(tmp_path / "scanned", {"a/x": "", "a/y": "", "b/x": ""})
    write(tmp_path, {"outside/x": ""})
    for link, leads_to in {
        "a/in": "y",
        "a/out": tmp_path / "outside/x",
        "c": tmp_path / "outside",
        "d": "a",
    }.items():
        (root / link).symlink_to(leads_to)
    boundary = boundary_of(root)
    paths = ["a/x", "a/y", "a/in", "a/out", "b/x", "b/missing", "c/x", "d/x", "d/out", "x"]
    held = ["a/x", "a/y", "a/in", "b/x", "b/missing", "d/x", "x"]
    assert (
        list(boundary.held(str(root), paths))
        == held
        == [path for path in paths if boundary.holds(root / path)]
    )


@pytest.mark.parametrize("name", ["x", "../beside", "/etc/passwd", "loop", "../scanned-not"])
def test_what_links_lead_to_decides(tmp_path: Path, name: str):
    root = write(tmp_path / "scanned", {"x": ""})
    write(tmp_path, {"beside": "", "scanned-not/x": ""})
    (root / "link").symlink_to(name if name != "loop" else "link")
    assert boundary_of(root).holds(root / "link") == (name in ("x", "loop"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize(
    "name",
    [
        "Chart.yaml",
        "kustomization.yaml",
        "x.tgz",
        "requirements.yaml",
        "values.yaml",
        ".helmignore",
        "x.yaml",
        ".leadlineignore",
    ],
)
def test_a_named_pipe_never_blocks(tmp_path: Path, name: str):
    root = write(tmp_path / "scanned", chart("a") if name not in ("kustomization.yaml", "x.tgz") else {})
    folder = root / "a" if (root / "a").exists() and not name.startswith((".l", "x")) else root
    folder.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    found: list[object] = []
    reader = threading.Thread(
        target=lambda: found.extend((render(root, Modes()), read_manifests([str(root)]))), daemon=True
    )
    reader.start()
    reader.join(60.0)
    assert len(found) == 2
    if name not in ("x.tgz", ".leadlineignore"):
        assert name in repr(found)


@pytest.mark.skipif(not stat.S_ISCHR(Path("/dev/null").stat().st_mode), reason="no devices here")
def test_a_link_to_a_device_is_no_file(tmp_path: Path):
    (tmp_path / "x.yaml").symlink_to("/dev/zero")
    assert [u.where for u in read_manifests([str(tmp_path)]).unread] == ["x.yaml"]


@pytest.fixture
def server():
    """Counts who comes by; the listening socket's own queue is asked, so that nobody has to wait."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.0)
        yield listening


def visits(listening: socket.socket) -> int:
    count = 0
    while True:
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


@needs_kustomize
@all_modes
@pytest.mark.parametrize(
    "text",
    [
        'secretGenerator: [{{name: s, envs: ["http://127.0.0.1:{port}/e?y=1"]}}]\n',
        'configMapGenerator: [{{name: s, files: ["HTTP://127.0.0.1:{port}/x"]}}]\n',
        'configMapGenerator: [{{name: s, files: ["http://127.0.0.1:{port}/x?y=z"]}}]\n',
        'resources: ["HTTP://127.0.0.1:{port}/x"]\n',
        'resources: ["http:/127.0.0.1:{port}/x"]\n',
        'patches: [{{path: "http://127.0.0.1:{port}/x"}}]\n',
        "resources: [node_modules/base]\n",
        "transformers: [t.yaml]\n",
        'openapi: {{path: "http://127.0.0.1:{port}/x"}}\n',
    ],
)
def test_no_kustomization_reaches_the_network(tmp_path: Path, server: socket.socket, text: str, modes: Modes):
    port = server.getsockname()[1]
    address = f"http://127.0.0.1:{port}/x"
    files = {
        "kustomization.yaml": text.format(port=port),
        "node_modules/base/kustomization.yaml": f'resources: ["{address}"]\n',
        "t.yaml": f"apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: t}}\npath: {address}\n",
        f"http:/127.0.0.1:{port}/x/kustomization.yaml": "resources: []\n",
    }
    root = write(tmp_path / "scanned", files)
    found = render(root / "kustomization.yaml", modes)
    assert visits(server) == 0
    assert found.resources == ()
    assert len(found.unread) == 1


@needs_kustomize
@all_modes
def test_a_kustomization_may_not_read_what_a_link_leads_out_to(tmp_path: Path, secret: Path, modes: Modes):
    root = write(
        tmp_path / "scanned", {"kustomization.yaml": "configMapGenerator: [{name: s, files: [s]}]\n"}
    )
    (root / "s").symlink_to(secret)
    found = render(root, modes)
    assert not leaks(found)
    assert [u.why for u in found.unread] == ["builds upon s: it leads out of the scanned folder"]


@needs_kustomize
def test_how_renderers_were_confined_is_told(tmp_path: Path):
    root = write(tmp_path, {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": POD})
    for modes in MODES:
        found = render(root, modes)
        assert (found.modes, len(found.resources), found.unread) == (modes, 1, ())
    assert render(write(tmp_path / "none", {"pod.yaml": POD}), Modes()).modes is None
