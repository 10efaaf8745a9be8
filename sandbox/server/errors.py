"""Errors in the vendor's shape.

Every refusal has the body ``{"status": "error", "message", "correlationId", "category", ...}``; the constructors below
keep the wording and category that clients meet in a real portal, so that code written against one works on the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class SandboxError(Exception):
    """The sandbox cannot start or load its world; the message says which file or option, why, and what to do."""


class ApiError(Exception):
    """A refused request: HTTP ``status``, a category, a sentence, and optional details.

    ``errors`` holds one dict per offending property (``message``, ``code``, ``context``); ``context`` maps a name to
    the list of values concerned.
    """

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        sub_category: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        context: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.sub_category = sub_category
        self.errors = list(errors)
        self.context = context or {}
        self.headers = headers or {}
        self.extra = extra or {}

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The whole answer's body."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id,
            "category": self.category,
        }
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return body | self.extra

    def item(self, context: dict[str, list[str]] | None = None) -> dict[str, Any]:
        """The same refusal as one entry of a batch's ``errors`` (multi-status answers)."""
        item: dict[str, Any] = {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "errors": self.errors,
            "context": self.context | (context or {}),
            "links": {},
        }
        if self.sub_category:
            item["subCategory"] = self.sub_category
        return item


def validation_error(message: str, **details: Any) -> ApiError:
    """400 VALIDATION_ERROR with a sentence of our own."""
    return ApiError(400, "VALIDATION_ERROR", message, **details)


def invalid_properties(problems: Sequence[tuple[str, str, str]], portal_id: int) -> ApiError:
    """400 for property values: ``problems`` are (property name, code, sentence), all named in the answer."""
    listed = [
        {"isValid": False, "message": text, "error": code, "name": name, "portalId": portal_id}
        for name, code, text in problems
    ]
    return validation_error(
        f"Property values were not valid: {json.dumps(listed, ensure_ascii=False)}",
        errors=[{"message": text, "code": code, "context": {"propertyName": [name]}} for name, code, text in problems],
    )


def unknown_object_type(name: str) -> ApiError:
    """400: the path names an object type that the portal does not have."""
    return validation_error(f"Unable to infer object type from: {name}")


def not_found(message: str = "resource not found", **details: Any) -> ApiError:
    """404 OBJECT_NOT_FOUND."""
    return ApiError(404, "OBJECT_NOT_FOUND", message, **details)


def missing_objects(singular: str, ids: Sequence[str]) -> ApiError:
    """Ids of a batch that name no live record; an entry of a 207 answer."""
    message = (
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return ApiError(404, "OBJECT_NOT_FOUND", message, context={"ids": list(ids)})


def unauthenticated(expired: bool = False) -> ApiError:
    """401: no bearer token, or not this portal's."""
    if expired:
        return ApiError(
            401,
            "EXPIRED_AUTHENTICATION",
            "The OAuth token used to make this call expired. Get a new one and try again.",
        )
    return ApiError(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def missing_scopes(scopes: Sequence[str]) -> ApiError:
    """403: the token may not do this."""
    return ApiError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        "https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
    )


def missing_required(singular: str, names: Sequence[str]) -> ApiError:
    """400: an administrator made properties required, and the write leaves them empty."""
    message = f"Error creating {singular.upper()}. Some required properties were not set."
    return validation_error(
        message,
        errors=[{"message": message, "code": "REQUIRED_PROPERTIES_MISSING", "context": {"properties": list(names)}}],
        context={"properties": list(names)},
    )


def rate_limited(policy: str, message: str, retry_after: int | None, headers: dict[str, str]) -> ApiError:
    """429 with the policy that was hit; ``retry_after`` in whole seconds, or None to leave the header out."""
    if retry_after is not None:
        headers = headers | {"Retry-After": str(retry_after)}
    return ApiError(
        429, "RATE_LIMITS", message, headers=headers, extra={"errorType": "RATE_LIMIT", "policyName": policy}
    )
