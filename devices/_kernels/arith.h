/* Arithmetic that all kernels share, and the four-element steps that differ between cores.
 *
 * `expand4` widens four int8 activations to int16 and adds their offset; `dot4` multiplies four of
 * those with four int8 weights. Cores with the DSP extension do both on pairs in one register,
 * in the order (0, 2), (1, 3) that SXTB16 gives; since activations and weights are in the same
 * order, nothing has to be put back. Other cores keep the natural order.
 */
#ifndef BENCHSUITE_ARITH_H
#define BENCHSUITE_ARITH_H

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

INLINE int32_t clamp(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

INLINE int32_t requantise(int32_t acc, int32_t multiplier, int32_t shift) {
    return (int32_t)(((int64_t)acc * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

#ifdef __ARM_FEATURE_DSP

typedef struct {
    uint32_t even, odd;
} quad; /* elements (0, 2) and (1, 3) as pairs of int16 */

INLINE uint32_t load32(const void *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, 4);
    return word;
}

INLINE uint32_t sxtb16(uint32_t bytes) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
    return pair;
}

INLINE uint32_t sxtb16_ror8(uint32_t bytes) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

INLINE uint32_t sxtab16(uint32_t pair, uint32_t bytes) {
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(bytes));
    return sum;
}

INLINE uint32_t sxtab16_ror8(uint32_t pair, uint32_t bytes) {
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(bytes));
    return sum;
}

INLINE int32_t smlad(uint32_t a, uint32_t b, int32_t acc) {
    int32_t sum;
    __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
}

INLINE void expand4(const int8_t *from, int32_t offset, int16_t *to) {
    const uint32_t bytes = load32(from);
    const uint32_t offsets = ((uint32_t)offset & 0xFFFF) | (uint32_t)offset << 16;
    const quad wide = {sxtab16(offsets, bytes), sxtab16_ror8(offsets, bytes)};
    __builtin_memcpy(to, &wide, sizeof wide);
}

INLINE quad load_weights(const int8_t *from) {
    const uint32_t bytes = load32(from);
    return (quad){sxtb16(bytes), sxtb16_ror8(bytes)};
}

INLINE quad load_column(const int16_t *from) {
    return (quad){load32(from), load32(from + 2)};
}

INLINE int32_t dot4(quad weights, quad column, int32_t acc) {
    return smlad(weights.odd, column.odd, smlad(weights.even, column.even, acc));
}

#else

typedef struct {
    int32_t at[4];
} quad;

INLINE void expand4(const int8_t *from, int32_t offset, int16_t *to) {
    for (int i = 0; i < 4; i++) to[i] = (int16_t)(from[i] + offset);
}

INLINE quad load_weights(const int8_t *from) {
    return (quad){{from[0], from[1], from[2], from[3]}};
}

INLINE quad load_column(const int16_t *from) {
    return (quad){{from[0], from[1], from[2], from[3]}};
}

INLINE int32_t dot4(quad weights, quad column, int32_t acc) {
    for (int i = 0; i < 4; i++) acc += weights.at[i] * column.at[i];
    return acc;
}

#endif
#endif
