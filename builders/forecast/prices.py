"""What tokens cost: those paid, by who answered, and those to come, by the endpoints' shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.forecast.probe import total
from builders.journal import Price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builders.forecast.probe import Probe, Spend


def paid(probes: Sequence[Probe], prices: Mapping[str, Price]) -> float:
    """What the probes cost."""
    return sum(
        prices.get(url, Price()).of(*tokens)
        for probe in probes
        for step in probe.steps
        for url, tokens in step.by_endpoint.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The prices of several endpoints, of which each answers what it takes.

    Attributes:
        prices: by the endpoint's base URL.
        places: calls that each takes at once.
    """

    prices: Mapping[str, Price]
    places: Mapping[str, int]

    def of(self, spend: Spend) -> float:
        """What tokens cost, each endpoint answering in proportion to the calls that it takes at once."""
        weights = dict(self.places) or dict.fromkeys(self.prices, 1)
        shares = ((self.prices.get(url, Price()), weight) for url, weight in weights.items())
        return sum(price.of(spend.prompt, spend.completion) * weight for price, weight in shares) / sum(
            weights.values()
        )

    def span(self, spend: Spend) -> tuple[float, float]:
        """What they cost at the cheapest and at the dearest endpoint, relative to the mix."""
        middle = self.of(spend)
        if not middle:
            return 1.0, 1.0
        each = [
            self.prices.get(url, Price()).of(spend.prompt, spend.completion)
            for url in (self.places or self.prices)
        ]
        return min(each) / middle, max(each) / middle


def ahead(whole: Spend, probes: Sequence[Probe]) -> Spend:
    """What is spent after the probes."""
    return whole + total(probe.spend for probe in probes).times(-1)
