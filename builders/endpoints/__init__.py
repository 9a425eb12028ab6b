"""Language model servers behind one contract."""

from __future__ import annotations

from builders.endpoints.base import Chat, Completion, Endpoint, EndpointInfo, JsonSchema, Message, Sampling

__all__ = ["Chat", "Completion", "Endpoint", "EndpointInfo", "JsonSchema", "Message", "Sampling"]
