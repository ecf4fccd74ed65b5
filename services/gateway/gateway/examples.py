"""Examples in the OpenAPI document: of every body, answer and path, made of its schema and of what its fields are
called here, so that none can be missing or out of date. What a model gives itself (``examples``) goes before.
"""

from collections.abc import Mapping
from typing import Any

_JSON = "application/json"
_ID = "afaec331-e155-54ba-ad8d-f68fdd75f6d0"
_EVENT = "39dda971-9a0e-5cef-b924-a2a0dac79871"
_AT, _DAY = "2026-11-22T02:00:00+00:00", "2026-11-22"
#: by the name of a field; ``Model.field`` and ``operation.parameter`` go before
_VALUES: Mapping[str, Any] = {
    **dict.fromkeys(("id", "alert_id", "work_id", "sms_id", "contact_id", "token_id", "entry_id", "ids"), _ID),
    **dict.fromkeys(("event_id", "evidence", "caused_by"), _EVENT),
    **dict.fromkeys(("correlation_id", "correlation"), "4f1c0f7e-6d9c-4d1f-8a57-0f2f4d0c9a11"),
    **dict.fromkeys(("customer_id", "customer"), "1000123"),
    **dict.fromkeys(("customer_name", "name"), "王小明"),
    **dict.fromkeys(("manager_id", "holder_id", "by", "to", "contact_by", "head_id", "staff_no", "owner"), "M0007"),
    **dict.fromkeys(("manager_name", "by_name", "head_name"), "王芳"),
    **dict.fromkeys(("author", "actor"), "X0001"),
    **dict.fromkeys(("unit_id", "unit", "units"), "U3201001"),
    **dict.fromkeys(("city", "cities"), "320100"),
    **dict.fromkeys(("date", "day", "business_date"), _DAY),
    **dict.fromkeys(("zh", "summary_zh", "reason_zh", "name_zh"), "欠费预警"),
    **dict.fromkeys(("en", "summary_en", "reason_en", "name_en", "detail"), "arrears alert"),
    **dict.fromkeys(("password", "current", "new", "secret", "token"), "…"),
    **dict.fromkeys(("rule", "alert_kind", "type", "kinds", "code", "kind"), "arrears"),
    **dict.fromkeys(("amount_fen", "arrears_fen", "at_risk_fen", "balance_fen"), 19900),
    **dict.fromkeys(("next", "after", "selection", "cursor"), "WyIyMDI2LTExLTIyIl0"),
    **dict.fromkeys(("replayed", "quarantined", "gone"), "boss.feed/0@17"),
    "action": "work.act",
    "area": "urban",
    "age": "31-60",
    "brand": "GoTone",
    "columns": "customer",
    "corporate_id": "C000042",
    "credit_class": "A",
    "customer_kind": "person",
    "district": "鼓楼区",
    "encoding": "ucs2",
    "error": "not_found",
    "extension": "8012",
    "field": "phone",
    "file": "ARR_320100_20261121_0001",
    "get_feed_file.name": "ARR_320100_20261121_0001",
    "download_rejected.name": "ARR_320100_20261121_0001",
    "get_team.unit": "U3201001",
    "get_customer.id": "1000123",
    "hints": "先核对账单，再约定还款日期",
    "landing": "/today",
    "language": "zh",
    "link": "/signin#reset=…",
    "list": "alerts",
    "mode": "manual",
    "note": "客户承诺月底缴清",
    "number": "13900000123",
    "object": _ID,
    "of": "alert",
    "on_behalf_of": "M0007",
    "outcome": "paid",
    "page": "alerts",
    "period": "2026-11",
    "phone": "139****0123",
    "plan_code": "P128",
    "pop": "/customers/1000123",
    "query": "kind=arrears&open=1",
    "queue": "arrears",
    "reason": "客户来电约定上门时间",
    "result": "reached",
    "role": "manager",
    "service": "alerts",
    "severity": "minor",
    "source": "boss/320100",
    "stage": "opened",
    "state": "active",
    "status": "in_service",
    "step": "opened",
    "template": "arrears_opened",
    "text": "您好，您的账户已欠费 199.00 元。",
    "topic": "boss.feed",
    "trial_id": "0b6c5f1e-1c1a-4f6e-9d7e-0123456789ab",
    "what": "acted",
    "work_kind": "collect",
    "year": 2026,
}
#: by the model a field stands in, where its name says something else elsewhere
_OF_MODEL: Mapping[str, Mapping[str, Any]] = {
    "ActOnWork": {"kind": "call"},
    "BulkWork": {"kind": "call"},
    "LogContact": {"kind": "call"},
    "ContactView": {"kind": "call"},
    "LastContact": {"kind": "call"},
    "LogEntryView": {"kind": "call"},
    "WorkActionView": {"kind": "call"},
    "WorkView": {"kind": "collect", "state": "acted"},
    "WorkRow": {"kind": "collect", "state": "acted"},
    "AlertView": {"state": "raised"},
    "AlertRow": {"state": "raised"},
    "SmsView": {"state": "delivered"},
    "SmsRow": {"state": "delivered"},
    "NewToken": {"name": "boss-320100"},
    "NewUser": {"phone": "13900000123"},
    "ChangedUser": {"phone": "13900000123"},
    "SendTest": {"to": "13900000123", "template": "arrears-reminder", "values": {"name": "王小明"}},
    "TokenView": {"name": "boss-320100"},
    "IssuedToken": {"name": "boss-320100"},
    "Asked": {"text": "王小明"},
    "AuditEntry": {"result": "200", "role": "administrator"},
    "CustomerRow": {"role": "member"},
    "HistoryView": {"field": "plan_code"},
    "ManagerView": {"name": "王芳"},
    "ReleaseView": {
        "state": "waiting",
        "kind": "ARR",
        "cause": "ARR_320100_20261121_0001.dat.gz",
        "count": 250,
        "customers": 1000,
        "of": 1000,
        "share": 25.0,
        "percent": 20,
        "why": None,
        "by": None,
    },
    "DecideRelease": {"why": "已与 BOSS 核对"},
    "RuleRefView": {"id": "arrears"},
    "SavedView": {"name": "本周到期"},
    "StopSms": {"what": "template/arrears-reminder", "why": "金额写错"},
    "StopView": {"what": "template/arrears-reminder", "why": "金额写错"},
    "TryRule": {"from": "202601", "to": "202606"},
    "TrialResultView": {"rule": "drop-30", "from": "202601", "to": "202606", "gone": []},
    "TrialView": {"rule": "drop-30", "state": "done"},
    "TriedMonthView": {"period": "202606", "gone": 3},
    "WarnedView": {"period": "202606"},
    "UnitView": {"name": "鼓楼营业部"},
    "ViewBody": {"name": "本周到期"},
    "Health": {"status": "live"},
    "CountView": {"kind": "alert.raised:arrears"},
    "LinkView": {"type": "kam.alert.raised.v1", "kind": "kam.alert.raised.v1"},
}
_DEEPEST = 12


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with an example at every JSON body and answer, and at every parameter of a path."""
    schemas = document.get("components", {}).get("schemas", {})
    for operation in (each for path in document["paths"].values() for each in path.values()):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                named = _VALUES.get(f"{operation['operationId']}.{parameter['name']}")
                parameter["example"] = named or _example(schemas, parameter["schema"], parameter["name"])
        answers = [operation["responses"][status] for status in operation["responses"] if status.startswith("2")]
        for part in (operation.get("requestBody", {}), *answers):
            media = part.get("content", {}).get(_JSON)
            if media is not None:
                media["example"] = _example(schemas, media["schema"])
    return document


def _example(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], name: str = "", model: str = "", depth: int = 0
) -> Any:
    """A value that a schema allows; ``name``: of the field it stands in, ``model``: of whom that field is."""
    if given := schema.get("examples"):
        return given[0]
    if "$ref" in schema:
        called = schema["$ref"].rpartition("/")[2]
        return _example(schemas, schemas[called], name, called, depth + 1)
    for of in ("anyOf", "oneOf", "allOf"):
        if of in schema:
            fitting = [each for each in schema[of] if each.get("type") != "null"]
            return _example(schemas, fitting[0], name, model, depth) if depth < _DEEPEST and fitting else None
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {field: _example(schemas, each, field, model, depth + 1) for field, each in fields.items()}
        case "array":
            if prefix := schema.get("prefixItems"):
                return [_example(schemas, each, name, model, depth + 1) for each in prefix]
            items = schema.get("items", {})
            return [_example(schemas, items, name, model, depth + 1)] if depth < _DEEPEST and items else []
        case "string":
            return _text(schema, _OF_MODEL.get(model, {}).get(name, _VALUES.get(name)), name)
        case "integer" | "number":
            known = _VALUES.get(name)
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            return known if isinstance(known, int) else max(least, 1)
        case "boolean":
            return False
        case _:
            return _VALUES.get(name, "…")


def _text(schema: Mapping[str, Any], known: Any, name: str) -> str:
    if schema.get("format") == "date" or (known is None and name.endswith("_on")):
        return _DAY
    if known is None and (name.endswith(("_at", "_since", "_until")) or name in _INSTANTS):
        return _AT
    return str(known or "…")


_INSTANTS = {"at", "since", "until", "as_of", "clock", "recorded", "started", "ended", "arrears_as_of", "starts"}
