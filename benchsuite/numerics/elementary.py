"""Compiled exp and log made of +, -, *, / and exact powers of two: the same bits everywhere.

The C library, numpy and torch each choose an exp and a log by the processor, and they differ in
the last bit. IEEE 754 fixes the results of the four operations, and numba fuses none of them, so
these do not. Both are within one unit in the last place.

Source: the reductions and coefficients of FDLIBM (Sun Microsystems, `e_exp.c`, `e_log.c`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchsuite.numerics.compiled import compiled

Array = NDArray[np.float64]

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700
_ROOT_HALF = 0.7071067811865476
_POWERS = np.ldexp(1.0, np.arange(-1022, 1024))
_OVERFLOW, _UNDERFLOW = 709.782712893383973096, -745.13321910194110842

_P1, _P2 = 1.66666666666666019037e-01, -2.77777777770155933842e-03
_P3, _P4 = 6.61375632143793436117e-05, -1.65339022054652515390e-06
_P5 = 4.13813679705723846039e-08
_L1, _L2 = 6.666666666666735130e-01, 3.999999999940941908e-01
_L3, _L4 = 2.857142874366239149e-01, 2.222219843214978396e-01
_L5, _L6 = 1.818357216161805012e-01, 1.531383769920937332e-01
_L7 = 1.479819860511658591e-01


@compiled
def exp_of(x: float) -> float:
    """Return e^x of one number."""
    if not x <= _OVERFLOW:
        return x if x != x else math.inf
    if x < _UNDERFLOW:
        return 0.0
    k = math.floor(_LOG2_E * x + 0.5)
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    value = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    half = int(k) // 2
    scaled: float = value * _POWERS[half + 1022] * _POWERS[int(k) - half + 1022]
    return scaled


@compiled
def log_of(x: float) -> float:
    """Return the natural logarithm of one number; -inf of 0, NaN of what is below."""
    if not 0.0 < x < math.inf:
        return -math.inf if x == 0.0 else (x if x > 0.0 else math.nan)
    m, k = math.frexp(x)
    if m < _ROOT_HALF:
        m, k = 2.0 * m, k - 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * (_L6 + z * _L7))))))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + r) + k * _LN2_LOW)) - f)


@compiled
def exp_all(x: Array, out: Array) -> None:
    """Write e^x of all numbers [N] to `out`, which may be `x`."""
    for i in range(x.size):
        out[i] = exp_of(x[i])


@compiled
def log_all(x: Array, out: Array) -> None:
    """Write the natural logarithm of all numbers [N] to `out`, which may be `x`."""
    for i in range(x.size):
        out[i] = log_of(x[i])
