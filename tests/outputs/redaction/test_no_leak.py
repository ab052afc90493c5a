"""No credential leaves: forty kinds of them in twenty places, in every format, excerpt, document, log and error."""

import base64
import io
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.api.posture_results import posture_puts
from leadline.errors import SourceError
from leadline.model.finding import Place
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.documents.baseline import baseline_of, encoded_baseline
from leadline.outputs.documents.report_document import encode
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.format_registry import Page, formats_for
from leadline.outputs.pseudonyms.names import Names
from leadline.outputs.pseudonyms.report import pseudonymous
from leadline.outputs.redaction.log import SafeFormatter
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.place import ShownPlaces
from leadline.scans.options import ChartOptions, PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from outputs.redaction.credentials import ALL, BY_FORM, BY_PLACE


class AskedPlaces:
    """Passes questions on, and remembers the kinds of the objects whose bodies were asked for."""

    def __init__(self, places: ShownPlaces) -> None:
        self._places = places
        self.bodies: set[str] = set()

    def find(self, resource: Resource, path: str) -> Place | None:
        return self._places.find(resource, path)

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        return self._places.lines(resource, first, last)

    def body(self, resource: Resource) -> dict[str, Any]:
        self.bodies.add(resource.kind)
        return self._places.body(resource)

    def read_body(self, resource: Resource) -> dict[str, Any]:
        return self._places.read_body(resource)

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return self._places.shown_risk(risk)


def manifests(credential: str) -> list[dict[str, Any]]:
    """Objects with ``credential`` in twenty places."""
    encoded = base64.b64encode(credential.encode()).decode()
    container = {
        "name": "c",
        "image": f"registry.example/app:{credential}",
        "command": ["/app", f"--db-password={credential}"],
        "args": ["--db-password", credential, "-c", f"run with '{credential}' now"],
        "env": [{"name": "DB_PASSWORD", "value": credential}, {"name": "PLAIN", "value": f"x {credential}"}],
        "livenessProbe": {
            "httpGet": {
                "path": "/",
                "port": 80,
                "httpHeaders": [{"name": "Authorization", "value": credential}],
            }
        },
        "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", f"login {credential}"]}}},
        "securityContext": {"privileged": True},
    }
    metadata = {
        "name": "app",
        "namespace": "shop",
        "labels": {"token": credential},
        "annotations": {"example.com/api-key": credential, "example.com/note": f"use {credential}, please"},
    }
    pod = {
        "containers": [container],
        "hostPID": True,
        "volumes": [{"name": "v", "csi": {"driver": "d", "volumeAttributes": {"password": credential}}}],
    }
    own = {"password": credential, "text": f"a {credential} b", "encoded": encoded, "list": [credential]}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
        {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": own},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": encoded}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t"}, "stringData": {"a": credential}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "m"},
            "data": {"f": f"password={credential}\n"},
        },
    ]


def leaks(text: str, credential: str) -> list[str]:
    """The ways of writing ``credential`` that ``text`` holds."""
    tail = credential.removeprefix("AccountKey=").removeprefix("https://hooks.slack.com/services/")
    tail = tail.removeprefix("https://discord.com/api/webhooks/")
    core = base64.b64encode(credential.encode()).decode().rstrip("=")[:-1]
    return [form for form in (tail, core) if form in text]


def shown(folder: Path, options: PostureOptions) -> dict[str, str]:
    """What every format writes of ``folder``, with and without ``-v``, and the document."""
    texts: dict[str, str] = {}
    with open_posture_scan([str(folder)], options) as scan:
        for name, format in formats_for(PostureReport).items():
            for verbose in (False, True):
                out = io.StringIO()
                format.write(scan.report, out, Page(scan.places, verbose=verbose, coverage=verbose))
                texts[f"{name} {verbose}"] = out.getvalue()
        whole = sealed(scan.report, scan.places)
        texts["document"] = encode(whole).decode()
        texts["library"] = repr(whole)
        texts["as it is handed to formats"] = repr(scan.report)
        texts["with bodies"] = repr(scan.report_with_bodies)
        texts["pseudonyms"] = encode(pseudonymous(whole, Names(b"k" * 32))).decode()
        texts["baseline"] = encoded_baseline(baseline_of(scan.report, scan.places, "", ""))
        texts["store"] = "".join(
            f"{put.content.metadata!r}{put.content.body!r}"
            for put in posture_puts(scan.report, "leadline", "")
        )
        texts["notes"] = "\n".join(scan.notes)
    return texts


@pytest.fixture(scope="module")
def of_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("all")
    for number, credential in enumerate(ALL.values()):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump_all(manifests(credential)))
    return shown(folder, PostureOptions())


def test_there_are_forty_kinds():
    assert len(ALL) == 40


@pytest.mark.parametrize("kind", ALL)
def test_no_format_and_no_document_shows_the_credential(of_all: dict[str, str], kind: str):
    assert {name: found for name, text in of_all.items() if (found := leaks(text, ALL[kind]))} == {}


def test_what_is_shown_is_no_less_for_it(of_all: dict[str, str]):
    assert all("XXXXXX" in text for name, text in of_all.items() if name.startswith(("json", "document")))
    assert "privileged" in of_all["lines False"]


def test_a_format_that_forgets_to_ask_for_a_body_shows_none(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all(manifests("Tr0ub4dor3xQz")))
    with open_posture_scan([str(tmp_path)], PostureOptions()) as scan:
        assert [one.body for one in scan.report.resources] == [{}] * len(scan.report.resources)
        assert all(scan.places.body(one)["metadata"] for one in scan.report.resources)
        assert all(one.body for one in scan.report_with_bodies.resources)


def test_an_object_without_a_finding_is_asked_for_no_body(tmp_path: Path):
    pod = manifests("Tr0ub4dor3xQz")[0]
    config = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "quiet"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([pod, config]))
    with open_posture_scan([str(tmp_path)], PostureOptions(controls=("C-0057",))) as scan:
        for name in ("lines", "pretty"):
            for verbose in (False, True):
                asked = AskedPlaces(scan.places)
                formats_for(PostureReport)[name].write(
                    scan.report, io.StringIO(), Page(asked, verbose=verbose)
                )
                assert asked.bodies <= ({"Pod"} if verbose else set())


@pytest.mark.parametrize("kind", ALL)
def test_a_flow_mapping_on_one_line_shows_nothing(tmp_path: Path, kind: str):
    (tmp_path / "a.yaml").write_text("---\n".join(yaml.safe_dump(m, default_flow_style=True, width=9999) for m in manifests(ALL[kind])))  # fmt: skip
    texts = shown(tmp_path, PostureOptions())
    assert {name: found for name, text in texts.items() if (found := leaks(text, ALL[kind]))} == {}


@pytest.mark.parametrize("kind", BY_PLACE)
def test_a_value_found_in_one_file_is_hidden_in_every_other(tmp_path: Path, kind: str):
    value = BY_PLACE[kind]
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(manifests(value)[0]))
    elsewhere = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "annotations": {"note": f"it is {value}"}},
        "spec": {"x": value, "y": base64.b64encode(f"user:{value}".encode()).decode()},
    }
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(elsewhere))
    assert {
        n: found for n, text in shown(tmp_path, PostureOptions()).items() if (found := leaks(text, value))
    } == {}


def test_innocent_words_are_left_alone(tmp_path: Path):
    words = {"A": "longhorn", "POSTGRES_PASSWORD": "postgres", "VERSION": "1.27", "B": "true", "C": "web"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "longhorn-manager", "namespace": "postgres", "labels": {"app": "web"}},
        "spec": {
            "containers": [
                {
                    "name": "longhorn-manager",
                    "image": "longhornio/longhorn-manager:1.27",
                    "env": [{"name": name, "value": value} for name, value in words.items()],
                    "args": ["longhorn-manager", "--image", "postgres:16"],
                    "securityContext": {"privileged": True},
                }
            ]
        },
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(pod))
    texts = shown(tmp_path, PostureOptions())
    assert "longhornio/longhorn-manager:1.27" in texts["json False"]
    assert '"args":["longhorn-manager","--image","postgres:16"]' in texts["json False"]
    assert "name: longhorn-manager" in texts["pretty True"]
    assert "XXXXXX-manager" not in "".join(texts.values())


def test_values_given_to_charts_are_in_no_message(tmp_path: Path):
    pytest.importorskip("helm_python", reason="the extra 'render' is not installed")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (tmp_path / "templates/a.yaml").write_text('{{ fail (printf "bad %s" .Values.db.password) }}')
    charts = ChartOptions(set=("db.password=letmein,x=1",), set_string=("y=1.27",))
    texts = shown(tmp_path, PostureOptions(charts=charts))
    assert "bad …" in texts["json False"]
    assert [name for name, text in texts.items() if "letmein" in text] == []


def test_an_error_that_ends_the_scan_repeats_no_secret(tmp_path: Path):
    options = PostureOptions(charts=ChartOptions(set=("db.password=letmein",)))
    with pytest.raises(SourceError) as error, open_posture_scan([str(tmp_path / "letmein")], options):
        pass
    assert "letmein" not in str(error.value)


def test_the_log_repeats_no_secret():
    secrets = SecretValues()
    secrets.add("Tr0ub4dor3xQz")
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(SafeFormatter(secrets))
    try:
        raise KeyError("Tr0ub4dor3xQz", BY_FORM["GitHub token"])
    except KeyError as error:
        handler.emit(
            logging.makeLogRecord({"msg": "failed", "exc_info": (KeyError, error, error.__traceback__)})
        )
    text = out.getvalue()
    assert "KeyError" in text
    assert leaks(text, "Tr0ub4dor3xQz") + leaks(text, BY_FORM["GitHub token"]) == []
