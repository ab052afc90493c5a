"""The pages behind a proxy that logs users in: by the token that it passes on, or by its own client certificate.

oauth2-proxy is built from its module; the provider is ours. kube-apiserver is real, and says who each token is of.
"""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from control_plane import ControlPlane
from oidc_provider import Provider, served
from pages_process import chromium
from processes import free_port
from running import required

from leadline.api.carriers.local import LocalStore
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Paging
from leadline.api.selection import Selection
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import read_folder
from leadline.scans.stored.store_posture import StoreOptions, store_posture

pytestmark = pytest.mark.nightly("pages")
ROOT = Path(__file__).parents[3]
MODULE, VERSION = "github.com/oauth2-proxy/oauth2-proxy/v7", "v7.15.6"
CLIENT = "leadline-pages"
RBAC = "rbac.authorization.k8s.io"
RESULTS = "spdx.softwarecomposition.kubescape.io"
BUILD_S, ANSWER_S = 900, 60


def oauth2_proxy() -> Path:
    """Kept below ~/.cache/leadline; built where it is not there yet."""
    kept = Path.home() / ".cache" / "leadline" / f"oauth2-proxy-{VERSION}" / "oauth2-proxy"
    if not kept.is_file():
        if shutil.which("go") is None:
            pytest.skip("oauth2-proxy is not kept, and go is not installed")
        environment = {**os.environ, "GOBIN": str(kept.parent)}
        subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], check=True, env=environment, timeout=BUILD_S)
    return kept


class LoginCluster(ControlPlane):
    """A kube-apiserver that takes ID tokens of one provider."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider
        self.provider_ca = Authority(self.folder, "provider-ca")

    def _api_command(self) -> list[str]:
        return [
            *super()._api_command(),
            f"--oidc-issuer-url={self.provider.url}",
            f"--oidc-client-id={CLIENT}",
            f"--oidc-ca-file={self.provider_ca.file}",
            "--oidc-username-claim=preferred_username",
            "--oidc-username-prefix=oidc:",
        ]


class Pages:
    def __init__(self, cluster: LoginCluster) -> None:
        self.cluster = cluster
        self.store = cluster.folder / "results.db"
        self.port = free_port()
        self.ca = Authority(cluster.folder, "pages-ca")
        self.proxy_ca = Authority(cluster.folder, "login-ca")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        certificate, key = self.ca.issue("pages", "pages", hosts=("127.0.0.1",))
        token = self.cluster.folder / "our-token"
        token.write_text(self.cluster.kubectl("-n", "leadline", "create", "token", "ui"))
        return [
            *(sys.executable, "-m", "leadline.programs.cli.main", "ui"),
            f"--store={self.store}",
            f"--certificate={certificate}",
            f"--key={key}",
            "--host=127.0.0.1",
            f"--port={self.port}",
            f"--kube={self.cluster.url}",
            f"--kube-ca={self.cluster.authority_file}",
            f"--token-file={token}",
            f"--proxy-ca={self.proxy_ca.file}",
            "--proxy-name=login",
        ]

    def ask(self, path: str, pair: tuple[Path, Path] | None = None, **headers: str) -> tuple[int, str]:
        tls = ssl.create_default_context(cafile=self.ca.file)
        if pair:
            tls.load_cert_chain(*pair)
        request = urllib.request.Request(
            f"{self.url}{path}",
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S, context=tls) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator[None]:
    with log.open("wb") as file:
        started = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **environment})
    try:
        yield
    finally:
        started.terminate()
        started.wait(ANSWER_S)


def objects() -> list[dict[str, object]]:
    account = {"kind": "ServiceAccount", "name": "ui", "namespace": "leadline"}

    def role(name: str, group: str, *plurals: str) -> dict[str, object]:
        rule = {"apiGroups": [group], "resources": list(plurals), "verbs": ["get", "list", "watch"]}
        return {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [rule],
        }

    def bound(name: str, kind: str, role: str, subject: object, namespace: str = "") -> dict[str, object]:
        return {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
            "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
            "subjects": [subject],
        }

    def user(name: str) -> dict[str, str]:
        return {"kind": "User", "name": f"oidc:{name}", "apiGroup": RBAC}

    reader = "extension-apiserver-authentication-reader"
    return [
        role("see-pages", "ui.leadline.dev", "pages"),
        role("see-results", RESULTS, "*"),
        bound("ui-asks", "ClusterRole", "system:auth-delegator", account),
        bound("ui-reads", "Role", reader, account, "kube-system"),
        *(bound(f"pages-{name}", "ClusterRole", "see-pages", user(name)) for name in ("ann", "bea")),
        bound("results-ann", "ClusterRole", "see-results", user("ann")),
        bound("results-bea", "ClusterRole", "see-results", user("bea"), "shop"),
    ]


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    provider = Provider(CLIENT, ("ann", "bea", "cid"))
    cluster = required(lambda: LoginCluster(provider))
    pages = Pages(cluster)
    report = read_folder([str(ROOT / "examples" / "shop")], PostureOptions()).report

    async def fill() -> None:
        store = LocalStore(pages.store)
        await store_posture(store, report, StoreOptions(is_full=True))
        await store.close()

    asyncio.run(fill())
    with ExitStack() as stack:
        stack.callback(cluster.stop)
        pair = cluster.provider_ca.issue("provider", "provider", hosts=("127.0.0.1",))
        stack.enter_context(served(provider, pair))
        cluster.start()
        for name in ("leadline", "shop"):
            cluster.namespace(name)
        cluster.kubectl("create", "serviceaccount", "ui", "-n", "leadline")
        cluster.apply(*objects())
        source = {"PYTHONPATH": str(ROOT / "src")}
        stack.enter_context(process(pages.command(), cluster.folder / "pages.log", **source))
        token = provider.token("ann")
        cluster.until(lambda: _is_whole(pages, token), 120)
        yield pages


def _is_whole(pages: Pages, token: str) -> bool:
    try:
        code, text = pages.ask("/pages/overview", authorization=f"Bearer {token}")
    except OSError:
        return False
    return code == 200 and "Reading:" not in text


def test_an_id_token_shows_what_its_user_may_see(pages: Pages) -> None:
    provider = pages.cluster.provider
    shown = {
        user: pages.ask("/pages/overview", authorization=f"Bearer {provider.token(user)}")
        for user in provider.users
    }
    assert {user: code for user, (code, _) in shown.items()} == {"ann": 200, "bea": 200, "cid": 403}
    assert "shop-ops" in shown["ann"][1]
    assert "shop-ops" not in shown["bea"][1]
    assert "in 1 of 2 namespaces" in shown["bea"][1]


def test_a_token_for_others_of_others_or_of_yesterday_is_refused(pages: Pages) -> None:
    provider = pages.cluster.provider
    stranger = Provider(CLIENT, ("ann",))
    stranger.url = provider.url
    tokens = (
        provider.token("ann", audience="another"),
        provider.token("ann", life_s=-60),
        stranger.token("ann"),
    )
    for token in (*tokens, "nonsense"):
        assert pages.ask("/pages/overview", authorization=f"Bearer {token}")[0] == 401


def test_headers_name_a_user_with_the_certificate_of_the_proxy_alone(pages: Pages) -> None:
    named = {
        "x_remote_user": "oidc:ann",
        "x_forwarded_user": "oidc:ann",
        "x_forwarded_email": "ann@example.org",
    }
    assert pages.ask("/pages/overview", **named)[0] == 403
    ours = pages.proxy_ca.issue("login", "login")
    code, text = pages.ask("/pages/overview", ours, **named)
    assert (code, "shop-ops" in text) == (200, True)
    assert pages.ask("/pages/overview", ours, x_remote_user="oidc:cid")[0] == 403
    assert pages.ask("/pages/overview", ours, x_forwarded_user="oidc:ann")[0] == 403
    assert pages.ask("/pages/overview", pages.proxy_ca.issue("else", "else"), **named)[0] == 401
    foreign = Authority(pages.cluster.folder, "foreign").issue("login-foreign", "login")
    with pytest.raises(OSError):
        pages.ask("/pages/overview", foreign, **named)


def test_a_browser_logs_in_through_oauth2_proxy_and_changes_arrive(pages: Pages) -> None:
    provider, port = pages.cluster.provider, free_port()
    trusted = pages.cluster.folder / "trusted.crt"
    trusted.write_bytes(pages.ca.file.read_bytes() + pages.cluster.provider_ca.file.read_bytes())
    command = [
        str(oauth2_proxy()),
        "--provider=oidc",
        f"--oidc-issuer-url={provider.url}",
        f"--client-id={CLIENT}",
        "--client-secret=a-secret",
        "--cookie-secret=0123456789abcdef0123456789abcdef",
        "--cookie-secure=false",
        "--email-domain=*",
        f"--redirect-url=http://127.0.0.1:{port}/oauth2/callback",
        f"--http-address=127.0.0.1:{port}",
        f"--upstream={pages.url}/",
        "--pass-authorization-header=true",
        "--skip-provider-button=true",
    ]
    log = pages.cluster.folder / "oauth2-proxy.log"
    with process(command, log, SSL_CERT_FILE=str(trusted)), chromium() as browser:
        pages.cluster.until(lambda: _answers(port), ANSWER_S)
        for user, sees in (("bea", False), ("ann", True)):
            context = browser.new_context(ignore_https_errors=True)
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/pages/overview")
            page.get_by_role("link", name=user, exact=True).click()
            page.wait_for_url(f"http://127.0.0.1:{port}/pages/overview")
            assert (page.get_by_role("link", name="shop-ops").count() > 0) is sees
            if sees:
                before = page.locator("section.counts").inner_text()
                # Playwright has a loop of its own in this thread.
                ThreadPoolExecutor(1).submit(asyncio.run, _forget_one(pages.store)).result()
                page.wait_for_function(
                    "was => document.querySelector('section.counts').innerText !== was",
                    arg=before,
                    timeout=ANSWER_S * 1000,
                )
            context.close()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def _forget_one(path: Path) -> None:
    store = LocalStore(path)
    page = await store.list(Selection(SCANS, with_body=False), Paging("", 1_000))
    await store.delete(next(one.key for one in page.entries if one.key.name.startswith("deployment-")))
    await store.close()
