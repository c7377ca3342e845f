"""The API reference (docs/api.md), written from the OpenAPI document: `firewatch api --out docs/api.md`.

What the document knows, it says; the chapters before the routes say what no single route can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from console import problems
from console.description import ROLE

_HEAD = """# API reference

Written by `firewatch api` from the OpenAPI document; do not edit. A running centre gives that document at
`/api/v1/openapi.json`. What is under `/api/v1` keeps its meaning: fields may be added, none changes or goes.

Times are ISO 8601 with zone, angles degrees clockwise from true north, lengths metres, positions WGS 84
degrees, boxes frame pixels. Examples come from a centre whose cameras and fires were drawn.

## Signing in

**People** have a session: `POST /api/v1/session` sets a cookie (HttpOnly, SameSite=Strict, 14 hours) and
answers with `csrf`, which everything that changes something carries back in `X-CSRF-Token`.

```
curl -c jar -H 'Content-Type: application/json' -d '{"username": "chenwei", "password": "..."}' \\
    https://CENTRE/api/v1/session
curl -b jar 'https://CENTRE/api/v1/incidents?status=open'
curl -b jar -H 'X-CSRF-Token: CSRF' -H 'Content-Type: application/json' -d '{"step": "acknowledge"}' \\
    https://CENTRE/api/v1/incidents/INCIDENT/steps
```

**Responders and machines** have a token: an administrator makes it (`POST /api/v1/tokens`), it is shown
once, has an end, may be limited to areas (responders) or cameras (machines), and is sent as
`Authorization: Bearer TOKEN`. The page for responders (`/field`) hands its token over once (`POST
/api/v1/response/session`) and has it in a cookie from then on, with `csrf` as for a session.

```
curl -H 'Authorization: Bearer TOKEN' https://CENTRE/api/v1/response/incidents
```

Roles, each with all that those before it may do: viewer (no telephone numbers), operator, supervisor,
admin. A `responder` or `machine` token opens only the routes that name it. Every change is in the
incident's history or in the audit trail.

## Pages, conditions, conflicts

Long lists come in pages: `next_cursor` of one answer is `cursor` of the next question; `null` is the end. A
cursor is a place in the list, so rows that come meanwhile are neither skipped nor told twice.

Every answer below `/api/` that comes whole has an `ETag`. Sent back as `If-None-Match`, it is answered with
304 and no body while the answer would be the same. It is a digest of the answer: it changes with whatever
you would see changed, and two roles that are told different things have different ones.

Decisions carry the `version` of the incident that was seen. If somebody, or news of the fire, was faster: 409
`conflict`, with who did what; look again and decide again.
"""

_EVENTS = """## The event stream

`GET /api/v1/events` (server-sent events) tells everything that changes, from the store's log: it works
across processes and restarts. `last_event_id` of the incident list is where to begin (`?after=`); a
browser's EventSource sends `Last-Event-ID` by itself and misses nothing. Every 5 s `alive` says that
silence is silence and tells the centre's time. `reset`: the store was replaced, load everything again.
`signed_out`: the session has ended.

```
{example}```
"""

_WEBHOOKS = """## Webhooks

What the centre sends to receivers of the deployment file (`dispatch:`); [alerts.md](alerts.md) has the
messages, signatures, retries and how to try a receiver.
"""


def write(document: dict[str, Any]) -> str:
    """The reference as Markdown."""
    return "\n".join(
        (_HEAD, _errors(document), _events(document), _webhooks(document), *_routes(document))
    ).rstrip("\n") + "\n"  # fmt: skip


def _errors(document: dict[str, Any]) -> str:
    example = document["components"]["schemas"]["Problem"]["example"]
    rows = "".join(f"| `{kind}` | {text} |\n" for kind, text in problems.KINDS.items())
    return (
        "## Errors\n\nEvery failure is a problem detail (RFC 9457, `application/problem+json`). `type` is"
        f" stable, `detail` is for people.\n\n{_json(example)}\n"
        f"| `urn:firewatch:problem:...` | meaning |\n|---|---|\n{rows}"
    )


def _events(document: dict[str, Any]) -> str:
    answer = document["paths"]["/api/v1/events"]["get"]["responses"]["200"]
    return _EVENTS.replace("{example}", answer["content"]["text/event-stream"]["example"].rstrip("\n") + "\n")


def _webhooks(document: dict[str, Any]) -> str:
    sent = document["webhooks"]
    rows = "".join(f"| `{name}` | {one['post']['summary']} |\n" for name, one in sent.items())
    headers = "".join(
        f"| `{one['name']}` | {one['description']} |\n"
        for one in next(iter(sent.values()))["post"]["parameters"]
    )
    answers = "".join(
        f"| {code} | {one['description']} |\n"
        for code, one in next(iter(sent.values()))["post"]["responses"].items()
        if code != "200"  # FastAPI's own
    )
    return (
        f"{_WEBHOOKS}\n| message | sent when |\n|---|---|\n{rows}\n| header | |\n|---|---|\n{headers}"
        f"\n| answer | means |\n|---|---|\n{answers}"
    )


def _routes(document: dict[str, Any]) -> Iterator[str]:
    subjects: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            subject = operation.get("tags", ["watching the centre"])[0]
            subjects.setdefault(subject, []).append(_route(method, path, operation))
    for subject, routes in subjects.items():
        yield f"## {subject[0].upper()}{subject[1:]}\n"
        yield from routes


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    text = [
        f"### {method.upper()} {path}\n",
        f"{_who(operation[ROLE])}. {operation.get('description', '')}\n",
    ]
    asked = [one for one in operation.get("parameters", ()) if one["in"] != "header"]
    if asked:
        rows = (
            f"| `{one['name']}` | {one['in']}{'' if one.get('required') else ', optional'} |"
            f" {_kind(one['schema'])} | {_cell(one)} |\n"
            for one in asked
        )
        text.append("| parameter | | | |\n|---|---|---|---|\n" + "".join(rows))
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        text.append(f"Body, `{media_type}`:\n\n{_example(content)}")
    for code, answer in operation["responses"].items():
        if code == "4XX" or (not answer.get("content") and code == "304"):
            continue
        kinds = ", ".join(f"`{one}`" for one in answer.get("content", {}))
        described = "" if answer["description"] == "Successful Response" else f" {answer['description']}"
        text.append(f"{code}{': ' + kinds if kinds else ''}.{described}\n")
        text += [_example(one) for one in answer.get("content", {}).values() if "example" in one]
    return "\n".join(text)


def _who(role: str) -> str:
    if role == "anyone":
        return "**Anyone**"
    return f"**{role.capitalize()}**" + (" (token)" if role in ("responder", "machine") else "")


def _kind(schema: dict[str, Any]) -> str:
    """
    >>> _kind({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]})
    'integer'
    """
    for one in (schema, *schema.get("anyOf", ())):
        if one.get("enum"):
            return " / ".join(f"`{value}`" for value in one["enum"])
        if one.get("type") == "array":
            return f"list of {_kind(one['items'])}"
        if one.get("type", "null") != "null":
            return str(one.get("format", one["type"]))
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _cell(parameter: dict[str, Any]) -> str:
    said = [parameter["description"]] if "description" in parameter else []
    if "default" in parameter["schema"]:
        said.append(f"default `{json.dumps(parameter['schema']['default'])}`")
    if "example" in parameter:
        said.append(f"e.g. `{parameter['example']}`")
    return "; ".join(said)


def _example(content: dict[str, Any]) -> str:
    example = content.get("example")
    if isinstance(example, str):
        lines = "\n".join(example.rstrip().splitlines())  # SDP and CSV end theirs otherwise
        return f"```\n{lines}\n```\n"
    return _json(example)


def _json(value: Any) -> str:
    return f"```json\n{_laid_out(value)}\n```\n"


def _laid_out(value: Any, indent: int = 0, width: int = 110) -> str:
    """JSON whose small parts stay on one line.

    >>> print(_laid_out({"a": [1, 2], "b": "x" * 90, "c": None}, width=100))
    {
     "a": [1, 2],
     "b": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "c": null
    }
    """
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= width or not isinstance(value, (dict, list)):
        return line
    pad, end = " " * (indent + 1), " " * indent
    if isinstance(value, dict):
        inner = (f"{pad}{json.dumps(name, ensure_ascii=False)}: {_laid_out(one, indent + 1, width)}"
                 for name, one in value.items())  # fmt: skip
        return "{\n" + ",\n".join(inner) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + _laid_out(one, indent + 1, width) for one in value) + f"\n{end}]"
