"""A built corpus as a dataset repository of the Hub: refused unless it says of itself what is true."""

from __future__ import annotations
