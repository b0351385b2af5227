from __future__ import annotations

import math

import pytest

from skyhaul.emulation._quantities import duration_ns, queue_limit, rate_bps, share, size_bytes
from skyhaul.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [("25ms", 25_000_000), ("0", 0), ("1.5s", 1_500_000_000), ("10us", 10_000), ("2 min", 120 * 10**9)],
)
def test_durations(text: str, value: int) -> None:
    assert duration_ns(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("100mbit", 1e8), ("1.5Gbit/s", 1.5e9), ("12kbps", 96_000), ("300bit", 300), ("unlimited", math.inf)],
)
def test_rates_are_those_of_tc(text: str, value: float) -> None:
    # tc(8): "bit" is bits and "bps" is bytes per second, with decimal prefixes.
    assert rate_bps(text) == value


def test_sizes_and_shares() -> None:
    assert size_bytes("64kB") == 64_000
    assert size_bytes("1MiB") == 1 << 20
    assert share("1%") == share("0.01") == 0.01
    assert queue_limit("50ms") == (50_000_000, 0)
    assert queue_limit("64KiB") == (0, 65_536)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (duration_ns, "25"),
        (duration_ns, "-5ms"),
        (duration_ns, "soon"),
        (duration_ns, "1e30s"),
        (rate_bps, "100"),
        (rate_bps, "100 apples"),
        (size_bytes, "64"),
        (share, "150%"),
        (share, "1ms"),
        (queue_limit, "50"),
        (queue_limit, "50mbit"),
    ],
)
def test_what_is_no_quantity_is_one_line_with_the_mend(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(InputError, match="'") as caught:
        parse(text, "--option")
    assert str(caught.value).startswith("--option: ")
    assert caught.value.mend
    assert "\n" not in str(caught.value)
