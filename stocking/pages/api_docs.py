"""The description of the JSON API: for programs at `/api/openapi.json`, for people at `/api/docs`."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stocking.base.api import api_view
from stocking.base.errors import CODES, http_status, message_of
from stocking.pages.openapi import codes_of, document

REFERENCE = "#/components/schemas/"
CHOICES_SHOWN = 8


@api_view("GET")
def openapi(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/openapi.json`."""
    return document()


def type_text(schema: dict[str, Any]) -> str:
    """Return a schema's type in a few words: `integer`, `Order[]`, `buy | sell`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    if "anyOf" in schema:
        return " | ".join(type_text(part) for part in schema["anyOf"])
    if len(schema.get("enum", [])) > CHOICES_SHOWN:
        return str(schema["type"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"{type_text(schema['items'])}[]"
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def fields_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an object's fields for a table."""
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": type_text(field),
            "is_required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _schema_name(content: dict[str, Any]) -> str:
    return type_text(content["content"]["application/json"]["schema"])


def _call(path: str, method: str, call: dict[str, Any]) -> dict[str, Any]:
    status, answer = next(iter(call["responses"].items()))
    return {
        "path": path,
        "method": method.upper(),
        "summary": call["summary"],
        "description": call.get("description", ""),
        "needs_login": bool(call["security"]),
        "parameters": [
            {
                **parameter,
                "type": type_text(parameter["schema"]),
                "default": parameter["schema"].get("default"),
            }
            for parameter in call["parameters"]
        ],
        "body": _schema_name(call["requestBody"]) if "requestBody" in call else "",
        "status": status,
        "answer": _schema_name(answer),
        "codes": codes_of(call),
    }


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """`/api/docs`: every call, object and code on one page."""
    described = document()
    calls = [
        (call["tags"][0], _call(path, method, call))
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    ]
    context = {
        "paragraphs": [text.replace("\n", " ") for text in described["info"]["description"].split("\n\n")],
        "groups": [
            {**tag, "calls": [call for name, call in calls if name == tag["name"]]}
            for tag in described["tags"]
        ],
        "schemas": [
            {"name": name, "fields": fields_of(schema)}
            for name, schema in described["components"]["schemas"].items()
        ],
        "codes": [
            {"code": code, "status": http_status(code), "message": message_of(code)}
            for code in sorted(CODES, key=lambda code: (http_status(code), code))
        ],
    }
    return render(request, "pages/api_docs.html", context)
