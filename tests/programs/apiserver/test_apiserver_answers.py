"""The verbs of the application, over a store in memory."""

import gzip
from typing import Any

import orjson
import pytest
from asgi import (
    APPLY,
    MERGE,
    METADATA,
    METADATA_LIST,
    OPERATIONS,
    ROOT,
    SUMMARIES,
    TABLE,
    Client,
    Everybody,
    run,
    summary,
)

MANIFESTS = f"{ROOT}/namespaces/leadline/vulnerabilitymanifests"


async def created(client: Client, *names: str) -> list[Any]:
    made = [await client.ask("POST", SUMMARIES, summary(name)) for name in names]
    assert [answer.code for answer in made] == [201] * len(names)
    return [answer.json for answer in made]


def test_what_was_created_is_read_back():
    async def scenario(client: Client) -> None:
        sent = summary("deployment-web", app="web")
        made = (await client.ask("POST", SUMMARIES, sent)).json
        read = (await client.ask("GET", f"{SUMMARIES}/deployment-web")).json
        assert read == made
        assert read["spec"] == sent["spec"]
        metadata = read["metadata"]
        assert metadata["namespace"] == "shop"
        assert metadata["generation"] == 1
        assert metadata["annotations"] == {}
        assert set(metadata) == {
            "annotations",
            "creationTimestamp",
            "generation",
            "labels",
            "name",
            "namespace",
            "resourceVersion",
            "uid",
        }

    run(scenario)


def test_the_same_name_twice_is_refused():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        again = await client.ask("POST", SUMMARIES, summary("a"))
        assert (again.code, again.json["reason"]) == (409, "AlreadyExists")

    run(scenario)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{SUMMARIES}/none", 404),
        (f"{ROOT}/nothings", 404),
        ("/apis/other/v1/things", 404),
        (f"{ROOT}/namespaces/shop/knownservers", 404),
        ("/nowhere", 404),
    ],
)
def test_what_is_not_there_is_not_found(path: str, code: int):
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", path)
        assert (answer.code, answer.json["reason"]) == (code, "NotFound")

    run(scenario)


def test_lists_show_zeros_unless_everything_is_asked_for():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        plain = await client.ask("GET", SUMMARIES)
        whole = await client.ask("GET", SUMMARIES, query={"resourceVersion": "fullSpec"})
        assert plain.json["items"][0]["spec"]["severities"]["critical"] == 0
        assert "fullSpec" in plain.headers["warning"]
        assert whole.json["items"][0]["spec"]["severities"]["critical"] == 1
        assert whole.json["kind"] == "WorkloadConfigurationScanSummaryList"

    run(scenario)


def test_one_object_chosen_by_name_is_shown_whole():
    async def scenario(client: Client) -> None:
        await created(client, "a", "b")
        answer = await client.ask("GET", SUMMARIES, query={"fieldSelector": "metadata.name=b"})
        assert [
            (i["metadata"]["name"], i["spec"]["severities"]["critical"]) for i in answer.json["items"]
        ] == [("b", 1)]

    run(scenario)


def test_the_metadata_mode_shows_zeros_of_one_object():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        answer = await client.ask("GET", f"{SUMMARIES}/a", query={"resourceVersion": "metadata"})
        assert answer.json["spec"]["severities"]["critical"] == 0

    run(scenario)


def test_pages_are_those_that_existing_clients_ask_for():
    """The whole list in pages: ``continue=0`` at first, and at the end no ``continue`` at all."""

    async def scenario(client: Client) -> None:
        await created(client, "a", "b", "c")
        query = {"resourceVersion": "fullSpec", "continue": "0", "limit": "2"}
        path = f"{ROOT}/workloadconfigurationscansummaries"
        first = (await client.ask("GET", path, query=query)).json
        second = (
            await client.ask("GET", path, query={**query, "continue": first["metadata"]["continue"]})
        ).json
        assert [item["metadata"]["name"] for item in first["items"] + second["items"]] == ["a", "b", "c"]
        assert "continue" not in second["metadata"]
        assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]

    run(scenario)


def test_without_a_limit_everything_comes():
    async def scenario(client: Client) -> None:
        await created(client, *(f"a{n:04}" for n in range(1201)))
        answer = await client.ask("GET", SUMMARIES)
        assert len(answer.json["items"]) == 1201

    run(scenario)


def test_large_answers_are_compressed_for_who_takes_it():
    async def scenario(client: Client) -> None:
        await created(client, *(f"a{n:04}" for n in range(600)))
        for query in ({}, {"limit": "500"}):
            answer = await client.ask("GET", SUMMARIES, query=query, headers={"accept-encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            assert len(orjson.loads(gzip.decompress(answer.content))["items"]) >= 500

    run(scenario)


def test_tables_have_severities_and_ages():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        table = (await client.ask("GET", SUMMARIES, headers={"accept": TABLE})).json
        titles = [column["name"] for column in table["columnDefinitions"]]
        assert titles == [
            *("Name", "Critical", "High", "Medium", "Low", "Unknown", "Controls", "Kind", "Scanned", "Age"),
        ]
        row = table["rows"][0]
        assert row["cells"][:6] == ["a", 1, 2, 0, 0, 0]
        assert row["object"]["kind"] == "PartialObjectMetadata"
        assert table["kind"] == "Table"

    run(scenario)


def test_metadata_alone_can_be_asked_for():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        one = (await client.ask("GET", f"{SUMMARIES}/a", headers={"accept": METADATA})).json
        many = (await client.ask("GET", SUMMARIES, headers={"accept": METADATA_LIST})).json
        assert set(one) == {"kind", "apiVersion", "metadata"}
        assert (many["kind"], many["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
        assert many["items"] == [one]

    run(scenario)


@pytest.mark.parametrize("accept", ["application/vnd.kubernetes.protobuf", "text/html"])
def test_forms_that_we_do_not_have_are_not_acceptable(accept: str):
    async def scenario(client: Client) -> None:
        assert (await client.ask("GET", SUMMARIES, headers={"accept": accept})).code == 406

    run(scenario)


@pytest.mark.parametrize(
    "query",
    [
        {"resourceVersion": "nonsense"},
        {"resourceVersion": "-1"},
        {"limit": "many"},
        {"continue": "yesterday"},
        {"labelSelector": "a in (b"},
        {"fieldSelector": "spec.a=b"},
        {"resourceVersionMatch": "Exact"},
    ],
)
def test_parameters_that_cannot_be_read_are_refused(query: dict[str, str]):
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", SUMMARIES, query=query)
        assert (answer.code, answer.json["reason"]) == (400, "BadRequest")

    run(scenario)


def test_a_revision_of_the_future_is_to_be_asked_for_later():
    async def scenario(client: Client) -> None:
        answer = await client.ask("GET", SUMMARIES, query={"resourceVersion": "9" * 18})
        assert answer.code == 504
        assert answer.headers["retry-after"] == "1"
        assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"

    run(scenario)


def test_an_update_needs_the_revision_it_replaces():
    async def scenario(client: Client) -> None:
        (made,) = await created(client, "a")
        assert (await client.ask("PUT", f"{SUMMARIES}/a", summary("a", 5))).code == 422
        made["spec"]["severities"]["critical"] = 5
        put = await client.ask("PUT", f"{SUMMARIES}/a", made)
        assert put.json["spec"]["severities"]["critical"] == 5
        assert put.json["metadata"]["generation"] == 2
        assert put.json["metadata"]["uid"] == made["metadata"]["uid"]
        stale = await client.ask("PUT", f"{SUMMARIES}/a", {**made, "spec": {}})
        assert (stale.code, stale.json["reason"]) == (409, "Conflict")

    run(scenario)


def test_an_update_of_what_is_not_there_creates_nothing():
    async def scenario(client: Client) -> None:
        assert (await client.ask("PUT", f"{SUMMARIES}/a", summary("a"))).code == 404

    run(scenario)


def test_a_write_that_changes_nothing_is_no_change():
    async def scenario(client: Client) -> None:
        (made,) = await created(client, "a")
        shuffled = {name: made[name] for name in reversed(made)}
        shuffled["spec"] = dict(reversed(made["spec"].items()))
        again = await client.ask("PUT", f"{SUMMARIES}/a", shuffled)
        patched = await client.ask("PATCH", f"{SUMMARIES}/a", {}, headers={"content-type": MERGE})
        for answer in (again, patched):
            assert answer.json["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    run(scenario)


def test_patches_change_what_they_name():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        merged = await client.ask(
            "PATCH", f"{SUMMARIES}/a", {"spec": {"severities": {"low": 7}}}, headers={"content-type": MERGE}
        )
        assert merged.json["spec"]["severities"] == {
            "critical": 1,
            "high": 2,
            "medium": 0,
            "low": 7,
            "unknown": 0,
        }
        operations = [
            {"op": "test", "path": "/spec/severities/low", "value": 7},
            {"op": "replace", "path": "/spec/severities/low", "value": 8},
            {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"},
        ]
        operated = await client.ask(
            "PATCH", f"{SUMMARIES}/a", operations, headers={"content-type": OPERATIONS}
        )
        assert operated.json["spec"]["severities"]["low"] == 8
        assert operated.json["metadata"]["labels"] == {"a/b": "c"}
        failed = await client.ask("PATCH", f"{SUMMARIES}/a", operations, headers={"content-type": OPERATIONS})
        assert failed.code == 422

    run(scenario)


def test_a_patch_of_an_unknown_form_is_told_the_known_ones():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        media = {"content-type": "application/strategic-merge-patch+json"}
        answer = await client.ask("PATCH", f"{SUMMARIES}/a", {}, headers=media)
        assert answer.code == 415
        assert MERGE in answer.json["message"]

    run(scenario)


def test_an_application_creates_conflicts_forces_and_removes():
    async def scenario(client: Client) -> None:
        async def apply(config: dict[str, Any], manager: str, **query: str) -> Any:
            return await client.ask(
                "PATCH",
                f"{SUMMARIES}/a",
                config,
                query={"fieldManager": manager, **query},
                headers={"content-type": APPLY},
            )

        made = await apply(summary("a", 1, one="1", two="2"), "first")
        assert made.code == 201
        refused = await apply(summary("a", 9), "second")
        assert refused.code == 409
        assert {cause["field"] for cause in refused.json["details"]["causes"]} == {
            ".spec.severities.critical"
        }
        forced = await apply(summary("a", 9), "second", force="true")
        assert forced.json["spec"]["severities"]["critical"] == 9
        smaller = summary("a", 9, one="1")
        smaller["spec"] = {}
        given_up = await apply(smaller, "first")
        assert given_up.json["metadata"]["labels"] == {"one": "1"}
        assert given_up.json["spec"]["severities"]["critical"] == 9
        again = await apply(smaller, "first")
        assert again.json["metadata"]["resourceVersion"] == given_up.json["metadata"]["resourceVersion"]

    run(scenario)


def test_an_application_that_creates_needs_the_right_to_create():
    async def scenario(client: Client) -> None:
        answer = await client.ask(
            "PATCH",
            f"{SUMMARIES}/a",
            summary("a"),
            query={"fieldManager": "x"},
            headers={"content-type": APPLY},
        )
        assert answer.code == 403

    run(scenario, lambda: Client(Everybody("create")))


def test_a_dry_run_stores_nothing():
    async def scenario(client: Client) -> None:
        dry = {"dryRun": "All"}
        assert (await client.ask("POST", SUMMARIES, summary("a"), query=dry)).code == 201
        assert (await client.ask("GET", f"{SUMMARIES}/a")).code == 404
        await created(client, "a")
        before = client.store.revision
        assert (await client.ask("POST", SUMMARIES, summary("a"), query=dry)).code == 409
        await client.ask("PATCH", f"{SUMMARIES}/a", {"spec": {}}, query=dry, headers={"content-type": MERGE})
        await client.ask("DELETE", f"{SUMMARIES}/a", {"dryRun": ["All"]})
        await client.ask("DELETE", f"{SUMMARIES}/a", query=dry)
        await client.ask("DELETE", SUMMARIES, query=dry)
        assert client.store.revision == before

    run(scenario)


def test_a_deletion_answers_with_the_identity_of_what_went():
    async def scenario(client: Client) -> None:
        (made,) = await created(client, "a")
        wrong = {"preconditions": {"uid": "other"}}
        assert (await client.ask("DELETE", f"{SUMMARIES}/a", wrong)).code == 409
        gone = await client.ask(
            "DELETE", f"{SUMMARIES}/a", {"preconditions": {"uid": made["metadata"]["uid"]}}
        )
        assert gone.json["details"]["uid"] == made["metadata"]["uid"]
        assert (await client.ask("DELETE", f"{SUMMARIES}/a")).code == 404

    run(scenario)


def test_finalizers_keep_an_object_until_they_are_off():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        marked = await client.ask("DELETE", f"{SUMMARIES}/a", {"propagationPolicy": "Foreground"})
        assert marked.json["metadata"]["finalizers"] == ["foregroundDeletion"]
        assert marked.json["metadata"]["deletionTimestamp"]
        off = {"metadata": {"finalizers": None}}
        released = await client.ask("PATCH", f"{SUMMARIES}/a", off, headers={"content-type": MERGE})
        assert released.code == 200
        assert (await client.ask("GET", f"{SUMMARIES}/a")).code == 404

    run(scenario)


def test_a_collection_is_deleted_by_labels():
    async def scenario(client: Client) -> None:
        for name, app in (("a", "web"), ("b", "db"), ("c", "web")):
            await client.ask("POST", SUMMARIES, summary(name, app=app))
        await client.ask("DELETE", SUMMARIES, query={"labelSelector": "app=web"})
        left = (await client.ask("GET", SUMMARIES)).json["items"]
        assert [item["metadata"]["name"] for item in left] == ["b"]
        assert (await client.ask("DELETE", f"{ROOT}/workloadconfigurationscansummaries")).code == 405

    run(scenario)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Other"},
        {"apiVersion": "v1"},
        {"metadata": {"name": "a", "namespace": "other"}},
    ],
)
def test_an_object_of_elsewhere_is_refused(change: dict[str, Any]):
    async def scenario(client: Client) -> None:
        assert (await client.ask("POST", SUMMARIES, {**summary("a"), **change})).code == 400

    run(scenario)


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a_b", "a" * 254, "ä", "a\n"])
def test_names_that_are_none_are_refused(name: str):
    async def scenario(client: Client) -> None:
        answer = await client.ask("POST", SUMMARIES, summary(name))
        assert (answer.code, answer.json["reason"]) == (422, "Invalid")

    run(scenario)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"metadata":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
        (b'{"spec":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}", 400),
        (b"x" * 400_001, 413),
    ],
)
def test_bodies_that_are_no_objects_are_refused(body: bytes, code: int):
    async def scenario(client: Client) -> None:
        answer = await client.ask("POST", SUMMARIES, body)
        assert answer.code == code

    run(scenario)


def test_a_field_of_the_wrong_type_is_named():
    async def scenario(client: Client) -> None:
        wrong = summary("a")
        wrong["spec"]["severities"]["high"] = "many"
        answer = await client.ask("POST", SUMMARIES, wrong)
        assert answer.code == 422
        assert answer.json["details"]["causes"][0]["field"] == "spec.severities.high"
        for metadata in (
            {"labels": {"a": 1}},
            {"labels": []},
            {"finalizers": "x"},
            {"annotations": {"a": {}}},
        ):
            odd = summary("a")
            odd["metadata"].update(metadata)
            assert (await client.ask("POST", SUMMARIES, odd)).code == 422

    run(scenario)


def test_an_unknown_field_is_refused_warned_of_or_kept_as_asked():
    async def scenario(client: Client) -> None:
        odd = summary("a")
        odd["spec"]["severities"]["hihg"] = 1
        strict = await client.ask("POST", SUMMARIES, odd, query={"fieldValidation": "Strict"})
        assert strict.code == 400
        assert "hihg" in strict.json["message"]
        warned = await client.ask("POST", SUMMARIES, odd)
        assert "hihg" in warned.headers["warning"]
        assert warned.json["spec"]["severities"]["hihg"] == 1
        odd["metadata"]["name"] = "b"
        silent = await client.ask("POST", SUMMARIES, odd, query={"fieldValidation": "Ignore"})
        assert "warning" not in silent.headers

    run(scenario)


def test_nothing_is_made_in_a_namespace_that_is_going_away():
    async def scenario(client: Client) -> None:
        path = SUMMARIES.replace("/shop/", "/closing/")
        assert (await client.ask("POST", path, summary("a"))).code == 403
        apply = {"content-type": APPLY}
        query = {"fieldManager": "x"}
        assert (await client.ask("PATCH", f"{path}/a", summary("a"), query=query, headers=apply)).code == 403

    run(scenario)


def test_computed_kinds_cannot_be_written():
    async def scenario(client: Client) -> None:
        path = f"{ROOT}/configurationscansummaries"
        assert (await client.ask("GET", path)).json["items"] == []
        assert (await client.ask("POST", path, {})).code == 405

    run(scenario)


def test_rights_are_asked_for_each_request():
    async def scenario(client: Client) -> None:
        for method, path in (
            ("GET", SUMMARIES),
            ("GET", f"{SUMMARIES}/a"),
            ("DELETE", SUMMARIES),
            ("GET", "/apis"),
        ):
            await client.ask(method, path)
        await client.ask("GET", SUMMARIES, query={"watch": "1", "resourceVersion": "nonsense"})
        assert [(asked.verb, asked.path or asked.resource, name) for asked, name in client.access.asked] == [
            ("list", "workloadconfigurationscansummaries", ""),
            ("get", "workloadconfigurationscansummaries", "a"),
            ("deletecollection", "workloadconfigurationscansummaries", ""),
            ("get", "/apis", ""),
            ("watch", "workloadconfigurationscansummaries", ""),
        ]

    run(scenario)


def test_no_scores_and_no_fixes_are_null_never_empty_lists():
    async def scenario(client: Client) -> None:
        vulnerability = {"id": "CVE-1", "cvss": [], "fix": {"versions": [], "state": "not-fixed"}}
        match_ = {"vulnerability": vulnerability, "relatedVulnerabilities": [{"id": "CVE-1"}]}
        manifest = {
            "apiVersion": ROOT.removeprefix("/apis/"),
            "kind": "VulnerabilityManifest",
            "metadata": {"name": "nginx"},
            "spec": {"payload": {"matches": [match_]}},
        }
        made = (await client.ask("POST", MANIFESTS, manifest)).json["spec"]["payload"]["matches"][0]
        assert made["vulnerability"]["cvss"] is None
        assert made["vulnerability"]["fix"]["versions"] is None
        assert made["relatedVulnerabilities"][0]["cvss"] is None

    run(scenario)


def test_parts_of_paths_are_texts_and_controls_an_object():
    async def scenario(client: Client) -> None:
        path = f"{ROOT}/namespaces/shop/workloadconfigurationscans"
        control = {
            "controlID": "C-1",
            "rules": [{"name": "r", "paths": [{"failedPath": "spec", "fixPath": None}]}],
        }
        for name, spec in (("a", {"controls": {"C-1": control}}), ("b", {"controls": None})):
            scan = {
                "apiVersion": ROOT.removeprefix("/apis/"),
                "kind": "WorkloadConfigurationScan",
                "metadata": {"name": name},
                "spec": spec,
            }
            assert (await client.ask("POST", path, scan)).code == 201
        read = (await client.ask("GET", f"{path}/a")).json["spec"]["controls"]["C-1"]["rules"][0]["paths"]
        assert read == [{"failedPath": "spec", "fixPath": "", "fixPathValue": "", "fixCommand": ""}]
        assert (await client.ask("GET", f"{path}/b")).json["spec"]["controls"] == {}

    run(scenario)


def test_labels_without_a_value_break_nobody():
    async def scenario(client: Client) -> None:
        odd = summary("a")
        odd["metadata"].update(labels={"app": None}, annotations={"x": None})
        made = await client.ask("POST", SUMMARIES, odd)
        assert (made.json["metadata"]["labels"], made.json["metadata"]["annotations"]) == (
            {"app": ""},
            {"x": ""},
        )
        listed = await client.ask("GET", SUMMARIES, query={"labelSelector": "app="})
        assert len(listed.json["items"]) == 1

    run(scenario)


def test_yaml_that_grows_or_nests_without_end_is_refused():
    async def scenario(client: Client) -> None:
        laughs = "a0: &a0 [x, x]\n" + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
        )
        for body in (
            laughs.encode(),
            b"a: " + b"[" * 5000,
            b"a: &b c\nd: *b\n",
            b"\x00",
            b"a: !!python/object:os.system x",
        ):
            answer = await client.ask(
                "PATCH", f"{SUMMARIES}/a", body, query={"fieldManager": "x"}, headers={"content-type": APPLY}
            )
            assert answer.code == 400

    run(scenario)


def test_yaml_is_applied_like_json():
    async def scenario(client: Client) -> None:
        body = (
            f"apiVersion: {ROOT.removeprefix('/apis/')}\nkind: WorkloadConfigurationScanSummary\n"
            "metadata: {name: a}\nspec: {severities: {critical: 4}}\n"
        )
        answer = await client.ask(
            "PATCH",
            f"{SUMMARIES}/a",
            body.encode(),
            query={"fieldManager": "x"},
            headers={"content-type": APPLY},
        )
        assert answer.code == 201
        assert answer.json["spec"]["severities"]["critical"] == 4

    run(scenario)


def test_nesting_is_bounded_whatever_the_form():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        for depth, code in ((200, 200), (300, 400), (900, 400), (5000, 400)):
            deep = b'{"status":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
            answer = await client.ask(
                "PATCH",
                f"{SUMMARIES}/a",
                deep,
                query={"fieldValidation": "Ignore"},
                headers={"content-type": MERGE},
            )
            assert answer.code == code, depth

    run(scenario)


def test_patches_cannot_make_much_of_little():
    async def scenario(client: Client) -> None:
        await created(client, "a")
        copies = [{"op": "copy", "from": "/spec", "path": f"/spec/x{number}"} for number in range(40)]
        media = {"content-type": OPERATIONS}
        assert (await client.ask("PATCH", f"{SUMMARIES}/a", copies, headers=media)).code == 413
        many = [{"op": "add", "path": "/spec/x", "value": 1}] * 10_001
        assert (await client.ask("PATCH", f"{SUMMARIES}/a", many, headers=media)).code == 413
        grow = {"metadata": {"annotations": {"a": "x" * 200_000}}, "spec": {"y": "x" * 150_000}}
        assert (
            await client.ask("PATCH", f"{SUMMARIES}/a", grow, headers={"content-type": MERGE})
        ).code == 200
        more = {"spec": {"z": "x" * 150_000}}
        assert (
            await client.ask("PATCH", f"{SUMMARIES}/a", more, headers={"content-type": MERGE})
        ).code == 413

    run(scenario)
