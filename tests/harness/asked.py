"""Requests for every operation of an OpenAPI document, made of its schemas; and an app asked one of them, also where
its answer never ends."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from starlette.types import ASGIApp, Message

METHODS = ("get", "post", "put", "patch", "delete")
_LASTS_SECONDS = 0.5


class Operation(NamedTuple):
    """An operation of the document."""

    id: str
    method: str
    path: str
    spec: Mapping[str, Any]

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        """Its parameters in the path, the query or the headers."""
        return [parameter for parameter in self.spec.get("parameters", ()) if parameter["in"] == place]


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    query: str = ""
    body: Any = None
    headers: Mapping[str, str] = {}


class Told(NamedTuple):
    """Its answer, as far as it went."""

    status: int
    text: str


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All operations, reads first: what is changed later is looked at before."""
    found = [
        Operation(spec["operationId"], method.upper(), path, spec)
        for path, methods in document["paths"].items()
        for method, spec in methods.items()
        if method in METHODS
    ]
    return sorted(found, key=lambda operation: METHODS.index(operation.method.lower()))


def requests(
    document: Mapping[str, Any], operation: Operation, texts: Sequence[str], by_name: Mapping[str, Sequence[str]] = {}
) -> Iterator[Asked]:
    """Requests of an operation in which these texts stand wherever a text may: in the path, in a filter, in a body;
    each filter alone, so that one bad value does not hide another. ``by_name``: what fits a filter of this name; any
    other gets two of the texts, and so does a body beside a path. A body is sent whole, and with what it needs."""
    names = [parameter["name"] for parameter in operation.parameters("path")]
    headers = {p["name"]: '"1"' if p["name"] == "If-Match" else "a-key" for p in operation.parameters("header")}
    for ids in itertools.product(texts, repeat=len(names)):
        path = operation.path
        for name, id_ in zip(names, ids, strict=True):
            path = path.replace(f"{{{name}}}", quote(id_, safe=""))
        yield Asked(operation.method, path, "", None, headers)
        for number, body in enumerate(_bodies(document, operation, _few(texts) if names else texts)):
            # each a request of its own: under the key of another it would be refused for that
            own = {name: f"a-key-{number}" if value == "a-key" else value for name, value in headers.items()}
            yield Asked(operation.method, path, "", body, own)
        if ids and ids != (texts[0],) * len(names):
            continue
        for parameter in operation.parameters("query"):
            fitting = by_name.get(parameter["name"], _few(texts))
            for value in dict.fromkeys(str(sample(document, parameter["schema"], text)) for text in fitting):
                yield Asked(operation.method, path, urlencode({parameter["name"]: value}), None, headers)


def _few(texts: Sequence[str]) -> Sequence[str]:
    return (texts[0], texts[-1])


def _bodies(document: Mapping[str, Any], operation: Operation, texts: Sequence[str]) -> Iterator[Any]:
    content = operation.spec.get("requestBody", {}).get("content", {})
    for schema in (media["schema"] for name, media in content.items() if "json" in name):
        for text in texts:
            whole = sample(document, schema, text)
            yield whole
        needed = _resolved(document, schema).get("required", ())
        if isinstance(whole, dict) and needed:
            yield {name: whole[name] for name in needed}


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def sample(document: Mapping[str, Any], schema: Mapping[str, Any], text: str) -> Any:
    """A value that a schema allows, with this text wherever a text is free."""
    if "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return sample(document, found, text)
    for of in ("anyOf", "oneOf", "allOf"):
        if of in schema:
            fitting = [each for each in schema[of] if each.get("type") != "null"]
            return sample(document, fitting[0], text)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return _text(schema, text)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "array":
            items = schema.get("items") or {"type": "string"}
            prefix = schema.get("prefixItems")
            if prefix:
                return [sample(document, item, text) for item in prefix]
            return [sample(document, items, text)]
        case "object":
            given = {name: sample(document, each, text) for name, each in schema.get("properties", {}).items()}
            (example,) = schema.get("examples", [{}])[:1]
            return {**given, **{name: value for name, value in example.items() if name not in given}}
        case _:
            return text


def _text(schema: Mapping[str, Any], text: str) -> str:
    match schema.get("format"):
        case "date":
            return "2026-06-30"
        case "date-time":
            return "2026-06-30T02:00:00+00:00"
        case _:
            shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 1000)
            return text[:longest].ljust(shortest, "x")


async def ask(app: ASGIApp, asked: Asked, headers: Mapping[str, str]) -> Told:
    """What an app answers. Whoever asks hangs up on an answer that does not end."""
    body = b"" if asked.body is None else json.dumps(asked.body).encode()
    given = {"host": "localhost:22000", **headers, **asked.headers}
    if asked.body is not None:
        given["content-type"] = "application/json"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote(asked.path),
        "raw_path": asked.path.encode(),
        "query_string": asked.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 123),
        "server": ("localhost", 22000),
        "state": {},
    }
    gone, is_read = asyncio.Event(), False
    status, parts = 0, list[bytes]()

    async def receive() -> Message:
        nonlocal is_read
        if not is_read:
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    task = asyncio.ensure_future(app(scope, receive, send))
    is_stream = False
    while not task.done():
        await asyncio.wait([task], timeout=_LASTS_SECONDS)
        if not task.done() and status and not is_stream:
            is_stream = True
            gone.set()
        elif is_stream and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    if not is_stream:
        task.result()
    return Told(status, b"".join(parts).decode("utf-8", "replace"))
