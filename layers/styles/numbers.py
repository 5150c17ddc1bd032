"""Numbers of classes as legends write them. Pure."""

from __future__ import annotations

from decimal import Decimal

from django.utils import numberformat


def number_texts(value: float) -> tuple[str, str]:
    """A number in Italian and in English, to seven digits: 1.234,5 and 1,234.5; never 1e+06."""
    exact = Decimal(f"{value:.7g}")
    digits = max(0, -int(exact.as_tuple().exponent))
    return (
        numberformat.format(exact, ",", digits, 3, ".", force_grouping=True),
        numberformat.format(exact, ".", digits, 3, ",", force_grouping=True),
    )
