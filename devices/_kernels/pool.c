/* Average pooling, of a window or of a whole image. */
#include "arith.h"
#include "kernels.h"

/* floor(sum / n + 1/2). Shifting the sum by 128 n makes it non-negative; then a division by 2 n is a
 * multiplication by a 24-bit reciprocal, exact while 2 n * 511 n <= 2^24. */
#define RECIPROCAL_LIMIT 128

INLINE int8_t mean(int32_t sum, uint32_t n, uint32_t reciprocal) {
    const uint32_t twice = 2 * ((uint32_t)sum + 128 * n) + n;
    const uint32_t quotient = n <= RECIPROCAL_LIMIT ? twice * reciprocal >> 24 : twice / (2 * n);
    return (int8_t)((int32_t)quotient - 128);
}

void avg_pool_s8(const pool_args *a) {
    int8_t *out = a->out;
    for (int oy = 0; oy < a->out_height; oy++) {
        for (int ox = 0; ox < a->out_width; ox++) {
            int top = oy * a->stride - a->padding, left = ox * a->stride - a->padding;
            int bottom = top + a->kernel, right = left + a->kernel;
            top = top < 0 ? 0 : top;
            left = left < 0 ? 0 : left;
            bottom = bottom > a->height ? a->height : bottom;
            right = right > a->width ? a->width : right;
            const uint32_t n = (uint32_t)((bottom - top) * (right - left));
            const uint32_t reciprocal = ((1u << 24) + 2 * n - 1) / (2 * n);
            for (int channel = 0; channel < a->channels; channel += 4, out += 4) {
#ifdef __ARM_FEATURE_DSP
                if (n <= RECIPROCAL_LIMIT) { /* 16-bit sums do not overflow */
                    uint32_t even = 0, odd = 0;
                    for (int y = top; y < bottom; y++) {
                        const int8_t *in = a->in + (y * a->width + left) * a->channels + channel;
                        for (int x = left; x < right; x++, in += a->channels) {
                            const uint32_t bytes = load32(in);
                            even = sxtab16(even, bytes);
                            odd = sxtab16_ror8(odd, bytes);
                        }
                    }
                    out[0] = mean((int16_t)even, n, reciprocal);
                    out[1] = mean((int16_t)odd, n, reciprocal);
                    out[2] = mean((int32_t)even >> 16, n, reciprocal);
                    out[3] = mean((int32_t)odd >> 16, n, reciprocal);
                    continue;
                }
#endif
                int32_t sum[4] = {0, 0, 0, 0};
                for (int y = top; y < bottom; y++) {
                    const int8_t *in = a->in + (y * a->width + left) * a->channels + channel;
                    for (int x = left; x < right; x++, in += a->channels) {
                        for (int i = 0; i < 4; i++) sum[i] += in[i];
                    }
                }
                for (int i = 0; i < 4; i++) out[i] = mean(sum[i], n, reciprocal);
            }
        }
    }
}
