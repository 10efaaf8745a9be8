"""Errors in the vendor's shape, a JSON list of ``{message, errorCode, fields}``, with its codes and wording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """A refused request, or one refused record of a batch: HTTP ``status``, the vendor's code, a sentence, fields."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.headers = headers or {}
        self._body = body

    def body(self) -> Any:
        """What the whole answer holds."""
        if self._body is not None:
            return self._body
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def item(self) -> dict[str, Any]:
        """The same refusal as an entry of a collection result's ``errors``."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}

    def csv(self) -> str:
        """The same refusal as ``sf__Error`` of a bulk job."""
        return f"{self.code}:{self.message}:{' '.join(self.fields or [])} --"


class OAuthError(Exception):
    """A refused token request: ``{"error", "error_description"}``."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def malformed_query(message: str) -> ApiError:
    """400: the SOQL does not parse."""
    return ApiError(400, "MALFORMED_QUERY", message)


def unknown_type(name: str) -> ApiError:
    """400: SOQL names an object that is not there."""
    return ApiError(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def no_such_resource() -> ApiError:
    """404: the path leads nowhere."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def no_such_column(name: str, sobject: str) -> ApiError:
    """400: a record names a field that is not there, or that the user may not see."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def not_found(what: str = "Provided external ID field does not exist or is not accessible") -> ApiError:
    """404 for a record."""
    return ApiError(404, "NOT_FOUND", what)


def json_error(message: str) -> ApiError:
    """400: the body is not what the call takes."""
    return ApiError(400, "JSON_PARSER_ERROR", message)
