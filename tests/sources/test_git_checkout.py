import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.model.unread import Unread
from leadline.sources.child_process import Limits
from leadline.sources.confinement import Modes, offered_modes
from leadline.sources.git.checkout import checked_out

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
LIMITS = Limits(timeout_s=30.0)
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


def git(folder: Path, *arguments: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    command = ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=ENVIRONMENT | identity, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits on main, a branch with a slash, a tag, a submodule and an LFS pointer."""
    folder = tmp_path_factory.mktemp("remote") / "shop"
    (folder / "deploy" / "prod").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "deploy" / "prod" / "pod.yaml").write_text("kind: Pod # 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "tag", "v1")
    (folder / "deploy" / "prod" / "pod.yaml").write_text("kind: Pod # 2\n")
    (folder / "deploy" / "big.yaml").write_text(LFS_POINTER)
    git(folder, "add", ".")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},deploy/vendored")
    git(folder, "commit", "--quiet", "-m", "two")
    git(folder, "branch", "feature/cart", "v1")
    return folder


def address(shop: Path, behind: str = "") -> str:
    return f"file://{shop}{behind}"


@pytest.mark.parametrize(
    ("behind", "branch", "content"),
    [
        ("//deploy/prod", "main", "kind: Pod # 2\n"),
        ("//deploy/prod#main", "main", "kind: Pod # 2\n"),
        ("//deploy/prod@v1", "", "kind: Pod # 1\n"),
        ("//deploy/prod?ref=feature/cart", "feature/cart", "kind: Pod # 1\n"),
    ],
)
def test_branch_tag_and_folder_are_checked_out(shop: Path, behind: str, branch: str, content: str) -> None:
    with checked_out(address(shop, behind), ENVIRONMENT, LIMITS) as checkout:
        assert (checkout.path / "pod.yaml").read_text() == content
        assert (checkout.branch, checkout.shown, checkout.unread) == (branch, address(shop), ())
        assert checkout.commit == git(shop, "rev-parse", branch or "v1")
        shallow = git(checkout.top, "rev-list", "--count", "HEAD")
    assert shallow == "1"
    assert not checkout.top.exists()


@pytest.mark.parametrize("digits", [40, 10])
def test_commit_is_checked_out_by_its_whole_and_by_its_short_hash(shop: Path, digits: int) -> None:
    commit = git(shop, "rev-parse", "v1")
    with checked_out(address(shop, f"#{commit[:digits]}"), ENVIRONMENT, LIMITS) as checkout:
        assert (checkout.commit, checkout.branch) == (commit, "")
        assert (checkout.path / "deploy" / "prod" / "pod.yaml").read_text() == "kind: Pod # 1\n"


def test_submodules_and_pointers_of_large_files_are_named(shop: Path) -> None:
    with checked_out(address(shop, "//deploy"), ENVIRONMENT, LIMITS) as checkout:
        assert checkout.unread == (
            Unread(
                "vendored",
                "a git submodule, which is not fetched",
                "left out",
                hint="clone with --recurse-submodules and scan the folder",
            ),
            Unread(
                "big.yaml",
                "only the pointer of a large file (LFS)",
                "left out",
                hint="clone with git-lfs and scan the folder",
            ),
        )


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        ("#nowhere", "no branch, tag or commit nowhere in {shop}; check its name"),
        (f"#{'0' * 39}1", f"no commit {'0' * 39}1 in {{shop}}; check the hash"),
        ("//nowhere", "no folder nowhere in {shop}; check its name and the revision"),
        (".absent", "no git repository at {shop}.absent, or no access to it; check the address"),
    ],
)
def test_what_is_not_there_is_named(shop: Path, behind: str, message: str) -> None:
    with pytest.raises(SourceError) as refusal, checked_out(address(shop, behind), ENVIRONMENT, LIMITS):
        pass
    assert str(refusal.value) == message.format(shop=address(shop))


def test_absent_git_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refusal, checked_out("https://h/r", {"PATH": str(tmp_path)}):
        pass
    assert (
        str(refusal.value) == "git is not installed; install it, or clone the repository and scan the folder"
    )


def test_unreachable_host_is_named() -> None:
    with pytest.raises(SourceError) as refusal, checked_out("http://127.0.0.1:9/r", ENVIRONMENT, LIMITS):
        pass
    assert str(refusal.value) == "cannot reach 127.0.0.1; check the address and the network"


def test_hook_environment_does_not_lead_git_astray(shop: Path, tmp_path: Path) -> None:
    environment = ENVIRONMENT | {
        "GIT_DIR": str(tmp_path / "other"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
    }
    with checked_out(address(shop), environment, LIMITS) as checkout:
        assert (checkout.path / "deploy" / "prod" / "pod.yaml").is_file()


def test_link_out_of_the_repository_is_no_folder(shop: Path, tmp_path: Path) -> None:
    (shop / "out").symlink_to(tmp_path)
    git(shop, "checkout", "--quiet", "-b", "links")
    git(shop, "add", "out")
    git(shop, "commit", "--quiet", "-m", "link")
    git(shop, "checkout", "--quiet", "main")
    with (
        pytest.raises(SourceError) as refusal,
        checked_out(address(shop, "//out#links"), ENVIRONMENT, LIMITS),
    ):
        pass
    assert str(refusal.value) == f"no folder out in {address(shop)}; check its name and the revision"


PROGRAM = """
import os, pathlib, sys, time
from leadline.sources.git.checkout import checked_out
with checked_out(sys.argv[1], dict(os.environ)) as checkout:
    print(checkout.top, flush=True)
    time.sleep(60)
"""


def test_files_go_away_when_the_program_is_interrupted(shop: Path) -> None:
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, address(shop)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        top = Path(process.stdout.readline().decode().strip())
        was_there = top.is_dir()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert was_there
    assert not top.parent.exists()


class GitOverHttp(BaseHTTPRequestHandler):
    """``git http-backend`` behind a password where ``secret`` is set."""

    root = ""
    secret = ""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        given = self.headers.get("Authorization", "")
        if self.secret and given != "Basic " + base64.b64encode(self.secret.encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=shop")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cgi = ENVIRONMENT | {
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=cgi, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((int(value[:3]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(shop: Path) -> Iterator[ThreadingHTTPServer]:
    kind = type("Served", (GitOverHttp,), {"root": str(shop.parent)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def served(server: ThreadingHTTPServer, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{server.server_address[1]}"


def test_repository_is_fetched_over_http(server: ThreadingHTTPServer, shop: Path) -> None:
    where = f"{served(server)}/shop/.git"
    with checked_out(f"{where}//deploy/prod#v1", ENVIRONMENT, LIMITS) as checkout:
        assert (checkout.path / "pod.yaml").read_text() == "kind: Pod # 1\n"
        assert (checkout.shown, checkout.commit) == (where, git(shop, "rev-parse", "v1"))


def test_browser_address_with_a_slash_in_the_branch_is_resolved(
    server: ThreadingHTTPServer, shop: Path
) -> None:
    (shop.parent / "acme").mkdir(exist_ok=True)
    if not (shop.parent / "acme" / "shop").exists():
        (shop.parent / "acme" / "shop").symlink_to(shop)
    where = f"{served(server)}/acme/shop"
    with checked_out(f"{where}/tree/feature/cart/deploy/prod", ENVIRONMENT, LIMITS) as checkout:
        assert (checkout.branch, (checkout.path / "pod.yaml").read_text()) == (
            "feature/cart",
            "kind: Pod # 1\n",
        )


def test_refused_access_is_told_without_the_password(server: ThreadingHTTPServer) -> None:
    server.RequestHandlerClass.secret = "me:right"  # type: ignore[attr-defined]
    where = f"{served(server)}/shop/.git"
    for text in (where, f"{served(server, 'me:wrong@')}/shop/.git"):
        with pytest.raises(SourceError) as refusal, checked_out(text, ENVIRONMENT, LIMITS):
            pass
        assert str(refusal.value) == f"no access to {where}; let your git have credentials for it"
    with checked_out(f"{served(server, 'me:right@')}/shop/.git", ENVIRONMENT, LIMITS) as checkout:
        assert checkout.shown == where


WRAPPER = """#!{python}
import os, socket, sys
steps = sys.argv[1:]
step = next(word for word in steps if word in ("init", "ls-remote", "fetch", "checkout", "show", "ls-files"))
try:
    open({target!r} + step, "w").close()
except OSError:
    pass
try:
    socket.create_connection(("127.0.0.1", {port}), 5).sendall(step.encode())
except OSError:
    pass
os.execv({git!r}, ["git", *steps])
"""


@pytest.mark.skipif(offered_modes() != Modes("landlock", "namespace"), reason="the kernel offers less")
def test_git_writes_nowhere_else_and_needs_no_network_but_to_fetch(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        real = shutil.which("git", path=ENVIRONMENT["PATH"])
        program = WRAPPER.format(python=sys.executable, target=f"{tmp_path}/home/", port=port, git=real)
        (tmp_path / "bin/git").write_text(program)
        (tmp_path / "bin/git").chmod(0o755)
        environment = ENVIRONMENT | {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
        with checked_out(address(shop), environment, LIMITS) as checkout:
            assert (checkout.path / "deploy/prod/pod.yaml").exists()
            assert checkout.confinement == "git: files by Landlock"
        assert list((tmp_path / "home").iterdir()) == []
        assert steps_that_called(server) == ["fetch", "ls-remote"]
        with checked_out(address(shop), environment, LIMITS, Modes("none", "open")) as checkout:
            assert checkout.confinement == "git: not confined"
        written = sorted(path.name for path in (tmp_path / "home").iterdir())
        assert written == ["checkout", "fetch", "init", "ls-files", "ls-remote", "show"]
        assert steps_that_called(server) == written


def steps_that_called(server: socket.socket) -> list[str]:
    server.settimeout(0.0)
    found = set()
    while True:
        try:
            connection, _ = server.accept()
        except BlockingIOError:
            return sorted(found)
        with connection:
            connection.settimeout(5.0)
            found.add(connection.recv(100).decode())


def test_filters_of_the_users_settings_are_not_run_on_what_was_fetched(shop: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[core]\n\tattributesFile = {home}/attributes\n[filter "own"]\n\tsmudge = touch {home}/ran; cat\n\trequired\n'
    )
    (home / "attributes").write_text("* filter=own\n")
    with checked_out(address(shop), ENVIRONMENT | {"HOME": str(home)}, LIMITS):
        pass
    assert not (home / "ran").exists()


def test_a_tree_deeper_than_any_recursion_is_read_and_goes_away(tmp_path: Path) -> None:
    remote = tmp_path / "deep"
    remote.mkdir()
    git(remote, "init", "--quiet", "--initial-branch=main")
    head = "commit refs/heads/main\ncommitter a <a@example.org> 0 +0000\ndata 1\nx\n"
    command = ["git", "-C", str(remote), "fast-import", "--quiet"]
    text = f"{head}M 100644 inline {'a/' * 1_500}x.yaml\ndata 10\nkind: Pod\n\n"
    subprocess.run(command, env=ENVIRONMENT, check=True, input=text.encode())
    with checked_out(address(remote), ENVIRONMENT, LIMITS) as checkout:
        top = checkout.top
        assert [path.name for path in checkout.path.iterdir() if path.name != ".git"] == ["a"]
    assert not top.exists()
