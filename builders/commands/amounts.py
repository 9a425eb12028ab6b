"""Option types: amounts with a unit letter, and prices."""

from __future__ import annotations

import re

import click

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGbB]?)")
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
_PRICE = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")


def amount(value: str | int) -> int:
    """A positive whole number, written 25000000, 25_000_000 or 25M."""
    match = _AMOUNT.fullmatch(str(value).replace("_", "").replace(",", ""))
    number = round(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if number < 1:
        raise click.BadParameter(f"{value!r} is not a positive amount, for example 25M, 500k or 8000")
    return number


def price(value: str | tuple[float, float]) -> tuple[float, float]:
    """Prices of a million tokens: of the prompt, a slash, of the answer."""
    if isinstance(value, tuple):
        return value
    match = _PRICE.fullmatch(value)
    if not match:
        raise click.BadParameter(
            f"{value!r} is not a price of a million tokens read and written, for example 0.2/0.6"
        )
    return float(match[1]), float(match[2])
