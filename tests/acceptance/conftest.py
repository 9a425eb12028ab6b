from __future__ import annotations

import pytest

GOOD = """The Federal Reserve Bank of Cleveland said on Tuesday that its gauge of median consumer \
prices rose 0.3 percent in March, a shade below the pace of February. Rents slowed for the third \
month running, while used cars, which had dragged the index down all winter, turned up again.

Marta Okafor, who runs a bond fund in Columbus, called the report dull in the best sense. She \
had trimmed her holdings of ten-year notes before the release and bought some of them back by \
noon. "Nobody was paid to be a hero this week," she said, adding that the auction on Thursday \
would tell more about demand than one more decimal of inflation."""


@pytest.fixture
def good() -> str:
    """A document that every check accepts."""
    return GOOD
