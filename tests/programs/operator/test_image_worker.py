"""The process that scans, against a real registry and a real API server."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from extension import Extension

from image_archives import layer
from leadline.api.kinds.scans import NamedSource
from leadline.programs.operator.dispatch import WORKER, ChildScanner
from leadline.programs.operator.images.jobs import (
    NO_DATABASE,
    ImageAnswer,
    ImageSettings,
    ImageTask,
    Place,
    Start,
)
from leadline.programs.operator.images.worker import SECRETS_OFF
from registry_process import Registry, is_here, real_registry
from registry_server import Server, serving
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = pytest.mark.cluster
PASSWORD = "hunter2-of-the-robot"
APK = b"P:openssl\nV:3.1.0-r0\nA:x86_64\n\n"
FILES = {"etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n", "lib/apk/db/installed": APK}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    if not is_here():
        pytest.skip("needs docker-registry")
    with real_registry(tmp_path_factory.mktemp("registry"), "robot", PASSWORD) as registry:
        yield registry


@pytest.fixture(scope="module")
def shop(extension: Extension, registry: Registry) -> str:
    """A namespace with Secrets that open the registry, and some that do not."""
    name = extension.namespace("shop")
    good = {"auths": {registry.host: {"auth": _pair("robot", PASSWORD)}}}
    wrong = {"auths": {registry.host: {"auth": _pair("robot", "wrong")}}}
    elsewhere = {"auths": {"https://index.docker.io/v1/": {"auth": _pair("robot", PASSWORD)}}}
    for secret, config in (("good", good), ("wrong", wrong), ("elsewhere", elsewhere)):
        _secret(
            extension,
            name,
            secret,
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": json.dumps(config)},
        )
    _secret(extension, name, "old", "kubernetes.io/dockercfg", {".dockercfg": json.dumps(good["auths"])})
    _secret(extension, name, "opaque", "Opaque", {".dockerconfigjson": json.dumps(good)})
    return name


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "vulnerabilities.db"
    build_of(path, {"feed": [advisory("CVE-2026-1", "Alpine:3.19", "openssl", fixed="3.1.1-r0")]})
    return path


def _pair(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _secret(extension: Extension, namespace: str, name: str, kind: str, content: dict[str, str]) -> None:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in content.items()}
    metadata = {"name": name, "namespace": namespace}
    extension.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data})


def answers(given: Start, *tasks: ImageTask, command: tuple[str, ...] = WORKER) -> list[ImageAnswer]:
    async def scanned() -> list[ImageAnswer]:
        scanner = ChildScanner(given.settings, given.place, command)
        try:
            return [await scanner.scan(task) for task in tasks]
        finally:
            await scanner.close()

    return asyncio.run(scanned())


def settings_for(extension: Extension, user: str = "", **fields: Any) -> Start:
    here = {"127.0.0.1": ("127.0.0.1",)}
    given = {"workers": 1, "pull_secrets": True, "mirrors": here, **fields}
    kubeconfig = extension.user(user) if user else extension.admin()
    return Start(ImageSettings(**given), Place(kubeconfig=kubeconfig))


def task(registry: Registry, digest: str, *secrets: str) -> ImageTask:
    names = tuple(f"shop/{name}" for name in secrets)
    return ImageTask(digest, False, (NamedSource(f"{registry.host}/team/app:1@{digest}", names),))


def test_an_image_is_scanned_with_a_pull_secret_and_matched_again_without_a_registry(
    extension: Extension, registry: Registry, shop: str, database: Path
) -> None:
    digest = registry.push_image("team/app", "1", [layer(FILES)])
    settings = settings_for(extension, database=str(database))
    asked = task(registry, digest, "wrong", "elsewhere", "good")
    (first,) = answers(settings, asked)
    assert (first.outcome.phase, first.outcome.why) == ("Done", "")
    assert first.counts is not None
    assert sum(first.counts.counted.found.values()) == 1
    stored = json.loads(
        extension.kubectl(
            "get", "vulnerabilitymanifests", "-n", "leadline", first.counts.manifest, "-o", "json"
        )
    )
    assert stored["spec"]["payload"]["matches"][0]["vulnerability"]["id"] == "CVE-2026-1"
    assert PASSWORD not in json.dumps(stored)
    build_of(database, {"feed": [advisory("CVE-2026-2", "Alpine:3.19", "zlib", fixed="1.0-r0")]})
    (again,) = answers(settings, ImageTask(digest, False, (), first.counts.manifest))
    assert again.outcome.phase == "Done"
    assert again.counts is not None
    assert again.counts.counted.found == {}


# The Secrets that the pods name, whether they may be read, and what is said of the image.
ACCESS: dict[str, tuple[tuple[str, ...], bool, str, str]] = {
    "one of several fits": (("wrong", "good"), True, "Done", ""),
    "the old type": (("old",), True, "Done", ""),
    "of another registry": (("elsewhere",), True, "Unauthorized", "credentials tried: nothing"),
    "wrong": (("wrong",), True, "Unauthorized", "pull secret shop/wrong"),
    "not there": (("gone", "good"), True, "Done", ""),
    "none is there": (("gone",), True, "Unauthorized", "pull secret shop/gone is not there"),
    "of a type that the kubelet passes over": (
        ("opaque",),
        True,
        "Unauthorized",
        "shop/opaque is none of a registry",
    ),
    "not to be read": (("good",), False, "Unauthorized", SECRETS_OFF),
    "no secret at all": ((), True, "Unauthorized", "credentials tried"),
}


@pytest.mark.parametrize("case", ACCESS)
def test_who_may_read_an_image_is_what_the_pods_secrets_say(
    case: str, extension: Extension, registry: Registry, shop: str, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets, is_on, phase, hint = ACCESS[case]
    digest = registry.push_image("team/app", "1", [layer(FILES)])
    (answer,) = answers(settings_for(extension, pull_secrets=is_on), task(registry, digest, *secrets))
    assert answer.outcome.phase == phase, answer
    assert hint in answer.outcome.hint
    shown = msgspec.json.encode(answer).decode() + "".join(capfd.readouterr())
    assert PASSWORD not in shown
    assert _pair("robot", PASSWORD) not in shown


def test_an_account_that_may_not_read_secrets_is_told_of_by_its_name(
    extension: Extension, registry: Registry, shop: str
) -> None:
    digest = registry.push_image("team/app", "1", [layer(FILES)])
    stranger = settings_for(extension, "stranger")
    (answer,) = answers(stranger, task(registry, digest, "good"))
    assert answer.outcome.phase == "Unauthorized"
    assert "pull secret shop/good may not be read" in answer.outcome.hint


def test_what_was_stored_and_is_gone_is_fetched_again(extension: Extension) -> None:
    (answer,) = answers(settings_for(extension), ImageTask("sha256:" + "0" * 64, False, (), "nothing"))
    assert answer.outcome.phase == "Lost"


def test_without_a_database_the_packages_are_stored_and_that_is_said(
    extension: Extension, registry: Registry, shop: str
) -> None:
    digest = registry.push_image("team/app", "2", [layer({**FILES, "etc/motd": b"2"})])
    (answer,) = answers(settings_for(extension), task(registry, digest, "good"))
    assert (answer.outcome.phase, answer.outcome.why) == ("Done", NO_DATABASE)
    assert answer.counts is not None
    assert not answer.counts.is_matched


def test_an_image_that_is_too_large_is_not_fetched(
    extension: Extension, registry: Registry, shop: str
) -> None:
    digest = registry.push_image("team/large", "1", [layer({"blob": os.urandom(3 << 20)})])
    source = NamedSource(f"{registry.host}/team/large:1@{digest}", ("shop/good",))
    (answer,) = answers(settings_for(extension, most_image_mib=1), ImageTask(digest, False, (source,)))
    assert answer.outcome.phase == "TooLarge"
    assert "MiB of layers" in answer.outcome.why


# The registry's first answers, and what becomes of the image.
TROUBLE: dict[str, tuple[list[tuple[int, dict[str, str]]], str, float]] = {
    "asks for time": ([(429, {"Retry-After": "120"})], "Busy", 120.0),
    "asks for time without saying how much": ([(429, {})], "Busy", 0.0),
    "is overrun": ([(503, {"Retry-After": "7"})], "Busy", 7.0),
    "has an error of its own": ([(500, {})], "Busy", 0.0),
    "has no such image": ([(404, {})], "Failed", 0.0),
    "refuses": ([(403, {})], "Unauthorized", 0.0),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_what_a_registry_says_is_what_becomes_of_the_image(case: str, extension: Extension) -> None:
    given, phase, wait_s = TROUBLE[case]
    server = Server(answers=list(given))
    digest = str(server.blobs.image([layer(FILES)])["digest"])
    with serving(server):
        source = NamedSource(f"{server.host}/team/app@{digest}")
        (answer,) = answers(settings_for(extension), ImageTask(digest, False, (source,)))
    assert (answer.outcome.phase, answer.outcome.retry_after_s) == (phase, wait_s)
    assert answer.outcome.why


def test_a_registry_that_is_away_is_no_fault_of_the_image(extension: Extension) -> None:
    digest = "sha256:" + "1" * 64
    source = NamedSource(f"127.0.0.1:9/team/app@{digest}")
    (answer,) = answers(settings_for(extension), ImageTask(digest, False, (source,)))
    assert answer.outcome.phase == "Unreachable"
    assert "cannot reach 127.0.0.1:9" in answer.outcome.why


def test_a_layer_that_does_not_come_is_asked_for_again_and_nothing_is_stored(extension: Extension) -> None:
    server = Server()
    digest = str(server.blobs.image([layer(FILES), layer({"big": os.urandom(5000)})])["digest"])
    lost = next(
        name
        for name, kind in server.blobs.types.items()
        if "layer" in kind and len(server.blobs.blobs[name]) > 4000
    )
    content = server.blobs.blobs.pop(lost)
    with serving(server):
        source = NamedSource(f"{server.host}/team/app@{digest}")
        settings = settings_for(extension)
        (first,) = answers(settings, ImageTask(digest, False, (source,)))
        server.blobs.blobs[lost] = content
        (second,) = answers(settings, ImageTask(digest, False, (source,)))
    assert (first.outcome.phase, first.counts) == ("Unreachable", None)
    assert second.outcome.phase == "Done"


def test_an_image_that_is_another_than_the_one_that_runs_is_not_taken_for_it(extension: Extension) -> None:
    server = Server()
    manifest = str(server.blobs.image([layer(FILES)])["digest"])
    server.tags["team/app:1"] = manifest
    with serving(server):
        source = NamedSource(f"{server.host}/team/app:1")
        (answer,) = answers(settings_for(extension), ImageTask("sha256:" + "2" * 64, True, (source,)))
    assert answer.outcome.phase == "Failed"
    assert "another image" in answer.outcome.why


# What a worker does with its second line, and what is said of the image.
BROKEN: dict[str, tuple[str, str, str]] = {
    "is killed": ("os.kill(os.getpid(), 9)", "Crashed", "broke down"),
    "raises": ("raise ValueError('secret of the image')", "Crashed", "broke down"),
    "takes too much memory": ("raise MemoryError", "TooLarge", "MiB"),
    "says nonsense": ("print('no answer', flush=True)", "Crashed", "broke down"),
    "hangs": ("sys.stdin.read()", "Failed", "more than 2 s"),
    "talks without end": ("os.write(1, b'x' * (5 << 20))", "Crashed", "broke down"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_image_that_breaks_the_worker_costs_itself_alone(case: str) -> None:
    how, phase, why = BROKEN[case]
    program = (
        "import os, sys\n"
        "sys.stdin.readline(); print('{}', flush=True)\n"
        "for line in sys.stdin:\n"
        "    if 'bad' in line:\n"
        f"        {how}\n"
        "    else:\n"
        '        print(\'{"outcome":{"phase":"Done"}}\', flush=True)\n'
    )
    tasks = [ImageTask(name, False, ()) for name in ("good", "bad", "good again")]
    settings = Start(ImageSettings(workers=1, worker_s=2.0 if case == "hangs" else 60.0), Place())
    found = answers(settings, *tasks, command=(sys.executable, "-c", program))
    assert [one.outcome.phase for one in found] == ["Done", phase, "Done"]
    assert why in found[1].outcome.why
    assert "secret" not in str(found)
