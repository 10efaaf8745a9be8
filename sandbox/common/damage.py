"""Answers that get lost or damaged on the way, as faults on demand ask for."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.server.faults import Fault


async def carry_out(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Let the routes answer, and keep the answer back: its start and its body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def read_whole(receive: Receive) -> tuple[bytes, Receive]:
    """A request's body, and a ``receive`` that gives it once more."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


async def hang_up(connection: Receive) -> None:
    """Drop the connection, what was sent so far included or not. ASGI has no word for that: ``connection`` is a bound
    method of the server's own request, whose transport is closed."""
    transport = getattr(connection, "__self__").transport  # noqa: B009 - not in the types
    transport.close()
    while (await connection())["type"] != "http.disconnect":
        pass


async def send_damaged(fault: Fault, start: Message, content: bytes, send: Send) -> None:
    """An answer as the fault leaves it: whole, or half a body under the length of the whole."""
    body = fault.damage(content)
    headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    if fault.effect == "truncate":
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": body})
