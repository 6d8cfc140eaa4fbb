"""A static arithmetic coder, exact integers, as an oracle for bounds on compressed size.

Source: Witten, Neal & Cleary, "Arithmetic coding for data compression", CACM 1987.
"""

from collections.abc import Iterable, Sequence

_BITS = 32
_TOP, _HALF, _QUARTER = 1 << _BITS, 1 << _BITS - 1, 1 << _BITS - 2


def encode(symbols: Iterable[int], counts: Sequence[int]) -> list[int]:
    """Return the bits that stand for symbols of a known histogram `counts`."""
    below = _cumulative(counts)
    low, high, pending = 0, _TOP - 1, 0
    bits: list[int] = []
    for symbol in symbols:
        width = high - low + 1
        high = low + width * below[symbol + 1] // below[-1] - 1
        low = low + width * below[symbol] // below[-1]
        while True:
            if high < _HALF or low >= _HALF:
                bit = int(low >= _HALF)
                bits += [bit] + [1 - bit] * pending
                pending = 0
                low, high = low - bit * _HALF, high - bit * _HALF
            elif low >= _QUARTER and high < 3 * _QUARTER:
                pending += 1
                low, high = low - _QUARTER, high - _QUARTER
            else:
                break
            low, high = 2 * low, 2 * high + 1
    last = int(low >= _QUARTER)
    return bits + [last] + [1 - last] * (pending + 1)


def decode(bits: Sequence[int], counts: Sequence[int], length: int) -> list[int]:
    """Return the `length` symbols that `bits` stand for."""
    below = _cumulative(counts)
    source = iter(bits)
    low, high, value = 0, _TOP - 1, 0
    for _ in range(_BITS):
        value = 2 * value + next(source, 0)
    symbols = []
    for _ in range(length):
        width = high - low + 1
        at = ((value - low + 1) * below[-1] - 1) // width
        symbol = next(s for s in range(len(counts)) if below[s + 1] > at)
        symbols.append(symbol)
        high = low + width * below[symbol + 1] // below[-1] - 1
        low = low + width * below[symbol] // below[-1]
        while True:
            if high < _HALF or low >= _HALF:
                shift = _HALF * int(low >= _HALF)
            elif low >= _QUARTER and high < 3 * _QUARTER:
                shift = _QUARTER
            else:
                break
            low, high = 2 * (low - shift), 2 * (high - shift) + 1
            value = 2 * (value - shift) + next(source, 0)
    return symbols


def _cumulative(counts: Sequence[int]) -> list[int]:
    below = [0]
    for count in counts:
        below.append(below[-1] + count)
    return below
