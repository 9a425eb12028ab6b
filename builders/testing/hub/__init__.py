"""A loopback server that imitates the Hub's HTTP interface; the real client works against it unchanged.

Set `HF_ENDPOINT` to its URL. See `docs/push.md`.
"""

from __future__ import annotations

from builders.testing.hub.accounts import Account
from builders.testing.hub.faults import HubFault
from builders.testing.hub.server import HubDouble, hub_double
from builders.testing.hub.store import Repository, Store

__all__ = ["Account", "HubDouble", "HubFault", "Repository", "Store", "hub_double"]
