import io

from msgspec.structs import replace

from leadline.model.finding import Skip
from leadline.model.report import PostureReport, Target
from leadline.model.unread import AccessRule, Unread
from leadline.outputs.format_registry import find_format
from leadline.outputs.rows.summary import denied_rules
from outputs.sample_report import REPORT, page

DENIED = tuple(
    Unread(rule.plural, 'User "eve" cannot list it', "forbidden", hint="needs a rule", rule=rule)
    for rule in (
        AccessRule("nodes"),
        AccessRule("roles", "rbac.authorization.k8s.io"),
        AccessRule("secrets"),
        AccessRule("rolebindings", "rbac.authorization.k8s.io"),
        AccessRule("pods", namespace="shop", is_namespaced=True),
    )
)
SLOW = Unread("configmaps", "timed out; 500 were read before", "malformed")
CLUSTER = replace(
    REPORT,
    target=Target("cluster", "prod-eu", server_version="v1.36.3"),
    unread=(*DENIED, SLOW),
    skips=(Skip("C-0069", "not read: Node", "not read"),),
)


def screen(report: PostureReport = CLUSTER, **fields: object) -> list[str]:
    out = io.StringIO()
    view = page(**{"again": "leadline scan", "rbac": "leadline rbac", **fields})
    find_format("pretty", PostureReport).write(report, out, view)
    return out.getvalue().split("\n")


def part(lines: list[str], first: str) -> list[str]:
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    return lines[start : lines.index("", start)]


def test_missing_rules_are_one_per_group_and_namespace():
    assert denied_rules([*DENIED, SLOW]) == [
        '{apiGroups: [""], resources: [nodes, secrets], verbs: [list]}',
        "{apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [list]}",
        '{apiGroups: [""], resources: [pods], verbs: [list]} in namespace shop',
    ]


def test_what_may_not_be_listed_stands_apart_from_what_failed():
    lines = screen()
    assert part(lines, "not seen") == [
        "not seen  5 lists, forbidden; the missing RBAC rules:",
        '  {apiGroups: [""], resources: [nodes, secrets], verbs: [list]}',
        "  {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [list]}",
        '  {apiGroups: [""], resources: [pods], verbs: [list]} in namespace shop',
        "  1 control could not judge for it",
    ]
    assert part(lines, "not read") == [
        "not read  1",
        "  configmaps  timed out; 500 were read before",
    ]


def test_the_next_step_is_to_get_the_role():
    assert part(screen(), "next")[:2] == [
        "next      leadline explain C-0057      leadline scan -v      leadline rbac",
        "          leadline scan --verbose-coverage",
    ]


def test_rules_fit_a_narrow_page():
    lines = part(screen(width=60), "not seen")
    assert max(map(len, lines)) <= 60
    assert lines[3:5] == [
        "  {apiGroups: [rbac.authorization.k8s.io], resources:",
        "    [roles, rolebindings], verbs: [list]}",
    ]


def test_namespaces_that_may_be_listed_are_the_other_way():
    rule = AccessRule("secrets", is_namespaced=True)
    secrets = Unread("secrets", "no", "forbidden", hint="needs a rule", rule=rule)
    lines = part(screen(replace(CLUSTER, unread=(secrets,))), "not seen")
    assert lines == [
        "not seen  1 list, forbidden; the missing RBAC rules:",
        '  {apiGroups: [""], resources: [secrets], verbs: [list]}',
        "  or --include-namespaces with those that may be listed",
        "  1 control could not judge for it",
    ]


def test_coverage_names_each_control_and_its_reason():
    assert part(screen(coverage=True), "not judged") == [
        "not judged  1 control",
        "  C-0069  Anonymous kubelet",
        "          not read: Node",
    ]


def test_a_cluster_that_was_read_whole_says_nothing_of_rules():
    text = "\n".join(screen(replace(CLUSTER, unread=())))
    assert "not seen" not in text
    assert "rbac" not in text
