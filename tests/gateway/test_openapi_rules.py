"""What the gateway promises of every route, looked up in its OpenAPI document: a new one keeps to it or fails here.
Names of operations, answers and refusals: ``tests/contracts/test_openapi.py``, of every service."""

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema_rs import validator_for

from gateway.bootstrap import build
from gateway.settings import Settings
from harness.asked import Operation, operations

#: POST for the sake of a body, that no personal data stand in an address: they change nothing
ASKS = {"search", "identify_caller", "preview_effect", "preview_template"}
WITHOUT_KEY = {
    "sign_in": "nobody is known yet, and the answer is a cookie; a repeat ends the session that it began",
    "end_vouched_sessions": "the token can itself be brought once",
    "reset_password": "the one-time link is itself what can be used once",
    "stop_sms": "said again it stands as it did",
    **dict.fromkeys(("go_release", "reject_release"), "a word counts once; the same one again is answered as before"),
}
WITHOUT_VERSION = {
    "change_password": "the current password shows what it is made after",
    "set_clock": "a clock moves by itself: there is no version to have read",
}
_ALL_AT_ONCE = "interfaces.md: whole arrays"
WHOLE_LISTS = {
    **dict.fromkeys(
        ("list_alerts", "list_sms", "list_work", "list_rules", "list_shadow_alerts", "get_counts", "get_rates"),
        _ALL_AT_ONCE,
    ),
    "how_rules_stand": "one a rule in force",
    "list_figures": "a table in code",
    **dict.fromkeys(
        [
            f"compare_{noun}"
            for noun in ("rule", "customer_list", "template", "policy", "work_rules", "calendar", "brake")
        ],
        "as many as a document has fields",
    ),
    **dict.fromkeys(
        (
            *("list_templates", "list_policies", "list_all_work_rules", "list_calendars", "list_brakes"),
            "list_customer_lists",
        ),
        "made by hand, one at a time",
    ),
    "list_releases": "what waits for a person is little, and each is shown",
    "list_trials": "the newest fifty",
    "list_stops": "said by hand, one at a time",
    "list_budgets": "one a campaign, a hundred at most",
    "list_demo_accounts": "one a role",
    "list_roles": "seven",
    "list_role_versions": "made by hand, one at a time",
    "list_user_versions": "made by hand, one at a time",
    "list_tokens": "made by hand, one at a time",
    "list_jobs": "twenty are kept of a person",
    "list_views": "a hundred are kept of a person",
    "list_units": "a tree, which is drawn as a whole",
    "list_members": "of one unit",
    "list_contacts": "of customers who are named, a hundred at most",
    "list_colleagues": "a field to choose from, which is searched as a whole",
    "list_dead_letters": "what waits is capped, and replayed from one selection",
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = Settings(service_data=tmp_path_factory.mktemp("gateway"), kafka="-", peers={})
    return build(settings).asgi().openapi()


@pytest.fixture(scope="module")
def found(document: dict[str, Any]) -> list[Operation]:
    return operations(document)


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def headers_of(operation: Operation) -> set[str]:
    return {parameter["name"] for parameter in operation.parameters("header")}


def answer_of(operation: Operation) -> Mapping[str, Any]:
    """What it answers where all is well."""
    (status,) = (status for status in operation.spec["responses"] if status[0] in "23")
    answer: Mapping[str, Any] = operation.spec["responses"][status]
    return answer


def test_what_changes_something_takes_a_key(found: list[Operation]) -> None:
    without = {o.id for o in found if o.method == "POST" and "Idempotency-Key" not in headers_of(o)}
    assert without == ASKS | WITHOUT_KEY.keys()


def test_an_edit_names_the_version_that_was_read(document: dict[str, Any], found: list[Operation]) -> None:
    edits = [o for o in found if o.method in ("PUT", "PATCH") and o.id not in WITHOUT_VERSION]
    assert len(edits) + len(WITHOUT_VERSION) == len([o for o in found if o.method in ("PUT", "PATCH")])
    for operation in edits:
        assert "If-Match" in headers_of(operation) and "ETag" in answer_of(operation)["headers"], operation.id
        read = document["paths"][operation.path].get("get")
        assert read is None or "ETag" in read["responses"]["200"]["headers"], "and whoever reads it learns it"


def test_a_list_has_pages(document: dict[str, Any], found: list[Operation]) -> None:
    whole = set()
    for operation in found:
        schema = resolved(
            document, answer_of(operation).get("content", {}).get("application/json", {}).get("schema", {})
        )
        fields = schema.get("properties", {})
        if schema.get("type") != "array" and "rows" not in fields:
            continue
        names = {parameter["name"] for parameter in operation.parameters("query")}
        if not ({"cursor", "limit"} <= names and "next" in fields):
            whole.add(operation.id)
    assert whole == WHOLE_LISTS.keys()


def test_bodies_answers_and_paths_have_examples_that_fit(document: dict[str, Any], found: list[Operation]) -> None:
    for operation in found:
        parts = [operation.spec.get("requestBody", {}), answer_of(operation)]
        given = [part["content"]["application/json"] for part in parts if "application/json" in part.get("content", {})]
        for each in (*given, *operation.parameters("path")):
            schema = {**each["schema"], "components": document["components"]}
            faults = [error.message for error in validator_for(schema).iter_errors(each["example"])]
            assert not faults, (operation.id, each["example"], faults)
