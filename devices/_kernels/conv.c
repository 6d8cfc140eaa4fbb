/* Convolution: im2col of two pixels at a time, then a product of 2 pixels x 2 output channels, so
 * that each widened weight and each column element is used twice from registers. */
#include "arith.h"
#include "kernels.h"

/* Four pointers fit the registers; the bases plus one index that compilers make of them do not. */
#define KEEP_POINTERS(a, b, c, d) __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d))

INLINE int8_t to_output(const conv_args *a, int32_t acc, int channel) {
    const int32_t scaled = requantise(acc, a->multiplier[channel], a->shift[channel]);
    return (int8_t)clamp(scaled + a->out_offset, a->low, a->high);
}

/* length: a multiple of 4. second may be null: then only one pixel is written. */
static void two_pixels(const conv_args *a, int length, int8_t *first, int8_t *second) {
    const int16_t *const columns0 = a->columns, *const columns1 = a->columns + length;
    int channel = 0;
    for (; channel + 1 < a->out_channels; channel += 2) {
        const int8_t *weights0 = a->weights + channel * length, *weights1 = weights0 + length;
        const int16_t *column0 = columns0, *column1 = columns1;
        int32_t acc00 = a->bias[channel], acc01 = acc00;
        int32_t acc10 = a->bias[channel + 1], acc11 = acc10;
        for (int quads = length >> 2; quads; quads--) {
            const quad x0 = load_column(column0), x1 = load_column(column1);
            const quad w0 = load_weights(weights0);
            acc00 = dot4(w0, x0, acc00);
            acc01 = dot4(w0, x1, acc01);
            const quad w1 = load_weights(weights1);
            acc10 = dot4(w1, x0, acc10);
            acc11 = dot4(w1, x1, acc11);
            weights0 += 4, weights1 += 4, column0 += 4, column1 += 4;
            KEEP_POINTERS(weights0, weights1, column0, column1);
        }
        first[channel] = to_output(a, acc00, channel);
        first[channel + 1] = to_output(a, acc10, channel + 1);
        if (second) {
            second[channel] = to_output(a, acc01, channel);
            second[channel + 1] = to_output(a, acc11, channel + 1);
        }
    }
    if (channel < a->out_channels) {
        const int8_t *weights = a->weights + channel * length;
        int32_t acc0 = a->bias[channel], acc1 = acc0;
        for (int i = 0; i < length; i += 4) {
            const quad w = load_weights(weights + i);
            acc0 = dot4(w, load_column(columns0 + i), acc0);
            acc1 = dot4(w, load_column(columns1 + i), acc1);
        }
        first[channel] = to_output(a, acc0, channel);
        if (second) second[channel] = to_output(a, acc1, channel);
    }
}

INLINE int16_t *expand(const conv_args *a, const int8_t *pixel, int16_t *to) {
    const int whole = a->in_channels & ~3, left = a->in_channels - whole;
    for (int i = 0; i < whole; i += 4, to += 4) expand4(pixel + i, a->in_offset, to);
    if (left) {
        int8_t tail[4] = {0, 0, 0, 0}; /* their weights are 0 */
        for (int i = 0; i < left; i++) tail[i] = pixel[whole + i];
        expand4(tail, a->in_offset, to);
        to += 4;
    }
    return to;
}

/* Zero is what padding is after the offset has been added. */
INLINE int16_t *zeros(int count, int16_t *to) {
    for (int i = 0; i < count; i++) to[i] = 0;
    return to + count;
}

void conv_s8(const conv_args *a) {
    const int padded = (a->in_channels + 3) & ~3;
    const int length = a->kernel * a->kernel * padded, padding = a->kernel / 2;
    int16_t *to = a->columns;
    int8_t *out = a->out;
    int waiting = 0;
    for (int oy = 0; oy < a->out_height; oy++) {
        for (int ox = 0; ox < a->out_width; ox++) {
            const int top = oy * a->stride - padding, left = ox * a->stride - padding;
            for (int y = top; y < top + a->kernel; y++) {
                if (y < 0 || y >= a->height) {
                    to = zeros(a->kernel * padded, to);
                    continue;
                }
                for (int x = left; x < left + a->kernel; x++) {
                    const int8_t *pixel = a->in + (y * a->width + x) * a->in_channels;
                    to = x < 0 || x >= a->width ? zeros(padded, to) : expand(a, pixel, to);
                }
            }
            if (++waiting == 2) {
                two_pixels(a, length, out, out + a->out_channels);
                out += 2 * a->out_channels;
                to = a->columns;
                waiting = 0;
            }
        }
    }
    if (waiting) two_pixels(a, length, out, 0);
}

void conv1x1_s8(const conv_args *a) {
    const int channels = a->in_channels, pixels = a->height * a->width;
    const int8_t *in = a->in;
    int8_t *out = a->out;
    for (int pixel = 0; pixel < pixels; pixel += 2) {
        const int count = pixel + 1 < pixels ? 2 * channels : channels;
        for (int i = 0; i < count; i += 4) expand4(in + i, a->in_offset, a->columns + i);
        two_pixels(a, channels, out, pixel + 1 < pixels ? out + a->out_channels : 0);
        in += count;
        out += 2 * a->out_channels;
    }
}
