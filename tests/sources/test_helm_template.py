from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.finding import Place
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.rendering.helm.template_trace import TemplateSpot, locate_in_template
from leadline.sources.rendering.locations import RenderedPlaces
from leadline.sources.rendering.plan.result import RenderOptions
from leadline.sources.rendering.render import read_rendered

CHARTS = Path(__file__).parent / "charts"

TEMPLATE = """\
{{- if .Values.on }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-{{ .Values.suffix }}
  labels: {{- include "labels" . | nindent 4 }}
spec:
  {{- with .Values.podSecurity }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  hostNetwork: {{ .Values.host.network | default false }}
  containers:
  {{- range .Values.extra }}
  - name: {{ .name }}
  {{- end }}
  - name: web
    image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
    command: ["sh", "{{ .Values.script }}"]
    resources: {{- toYaml .Values.resources | nindent 6 }}
    env:
    - name: A
      value: one
    {{- if .Values.b }}
    - name: B
      value: two
    {{- else }}
    - name: C
      value: two
    {{- end }}
    volumeMounts:
    - name: data
    {{- toYaml .Values.mounts | nindent 4 }}
{{- end }}
"""
RENDERED = """\
apiVersion: v1
kind: Pod
metadata:
  name: x-y
  labels:
    app: x
spec:
  securityContext:
    runAsUser: 0
    seccompProfile: {type: Unconfined}
  hostNetwork: true
  containers:
  - name: first
  - name: web
    image: "nginx:1"
    command: ["sh", "run"]
    resources:
      limits: {cpu: 1}
    env:
    - name: A
      value: one
    - name: B
      value: two
    volumeMounts:
    - name: data
    - name: more
      readOnly: true
"""

SPOTS = {
    "kind": TemplateSpot(3, 1, True),
    "metadata.name": TemplateSpot(5, 3, True, "suffix"),
    "metadata.labels.app": TemplateSpot(6, 3, False),
    "spec.securityContext": TemplateSpot(9, 3, True, "podSecurity"),
    "spec.securityContext.runAsUser": TemplateSpot(9, 3, False, "podSecurity.runAsUser"),
    "spec.securityContext.runAsNonRoot": TemplateSpot(9, 3, False, "podSecurity.runAsNonRoot"),
    "spec.hostNetwork": TemplateSpot(12, 3, True, "host.network"),
    "spec.hostPID": TemplateSpot(7, 1, False),
    "spec.containers[1].image": TemplateSpot(18, 5, True),
    "spec.containers[1].command[1]": TemplateSpot(19, 5, True),
    "spec.containers[1].resources.limits.cpu": TemplateSpot(20, 5, False, "resources.limits.cpu"),
    "spec.containers[1].env[0].value": TemplateSpot(23, 7, True),
    "spec.containers[1].env[1].value": TemplateSpot(26, 7, True),
    "spec.containers[1].volumeMounts[1].readOnly": TemplateSpot(31, 5, False),
}


@pytest.mark.parametrize("path", SPOTS)
def test_field_is_traced_to_its_line_and_key_or_to_the_nearest_parent(path: str) -> None:
    assert locate_in_template(TEMPLATE, RENDERED, path) == SPOTS[path]


def test_documents_of_one_template_are_told_apart() -> None:
    template = "kind: A\nspec:\n  on: {{ .Values.a }}\n---\nkind: B\nspec:\n  on: {{ .Values.b }}\n"
    rendered = "kind: A\nspec:\n  on: 1\n---\nkind: B\nspec:\n  on: 1\n"
    assert locate_in_template(template, rendered, "spec.on", 0) == TemplateSpot(3, 3, True, "a")
    assert locate_in_template(template, rendered, "spec.on", 1) == TemplateSpot(7, 3, True, "b")


def test_documents_in_another_order_than_the_template_s_are_told_by_kind_and_rank() -> None:
    template = (
        "kind: B\na: {{ .x }}\n---\nkind: A\na: {{ .x }}\n---\nkind: B\nrefers:\n  kind: A\na: {{ .x }}\n"
    )
    rendered = "kind: A\na: 1\n---\nkind: B\na: 1\n---\nkind: B\nrefers:\n  kind: A\na: 1\n"
    spots = [locate_in_template(template, rendered, "a", document) for document in range(3)]
    assert [spot and spot.line for spot in spots] == [5, 2, 10]


def test_branches_that_write_the_same_line_are_not_guessed_between() -> None:
    template = "kind: A\nspec:\n{{ if .x }}\n  on: true\n{{ else }}\n  on: true\n{{ end }}\n"
    assert locate_in_template(template, "kind: A\nspec:\n  on: true\n", "spec.on") == TemplateSpot(
        2, 1, False
    )


def test_template_that_only_includes_another_tells_nothing() -> None:
    assert locate_in_template('{{ include "all" . }}', "kind: A\nspec: {on: 1}\n", "spec.on") is None


def test_places_of_a_chart_name_line_and_values_key() -> None:
    pytest.importorskip("helm_python", reason="the extra 'render' is not installed")
    found = read_rendered(CHARTS, RenderOptions({}))
    places = RenderedPlaces(found.texts, FilePlaces())
    web = next(r for r in found.resources if r.kind == "Deployment")
    pod = next(r for r in found.resources if r.kind == "Pod")
    crd = next(r for r in found.resources if r.kind == "CustomResourceDefinition")
    container = "spec.template.spec.containers[0]"
    template = "shop/templates/web.yaml"
    assert places.find(web, "spec.template.spec.hostNetwork") == Place(template, 10, 7)
    assert places.find(web, "spec.replicas") == Place(template, 7, 3, True, "replicas")
    assert places.find(web, f"{container}.securityContext.privileged") == Place(
        template, 15, 9, False, "securityContext.privileged"
    )
    assert places.lines(web, 10, 10) == ["      hostNetwork: true"]
    assert places.find(crd, "metadata.name") == Place("shop/crds/order.yaml", 4, 3)
    hidden = places.find(pod, "spec.hostPID")
    assert hidden == Place("shop/charts/cache/templates/pod.yaml", 6, 3, True, "memory.hostPID")


@given(st.text(max_size=200), st.text(max_size=100), st.sampled_from(["a", "a.b[0].c", "kind", "spec.x[y]"]))
def test_any_template_gives_a_line_within_it_or_nothing(template: str, rendered: str, path: str) -> None:
    for text in (rendered, RENDERED):
        spot = locate_in_template(template, text, path)
        assert spot is None or 1 <= spot.line <= template.count("\n") + 1


BESIDE = """\
kind: Pod
spec:
  nodeName: a
  containers:
  - name: web
    resources:
      {{- toYaml .Values.web | nindent INDENT }}
"""


@pytest.mark.parametrize(("indent", "key"), [("2", "web.hostPID"), ("6", "")])
def test_values_steer_an_absent_field_only_where_they_are_written_beside_it(indent, key):
    rendered = "kind: Pod\nspec:\n  nodeName: a\n  containers:\n  - name: web\n"
    spot = locate_in_template(BESIDE.replace("INDENT", indent), rendered, "spec.hostPID")
    assert spot == TemplateSpot(2, 1, False, key)
