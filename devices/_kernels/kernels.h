/* int8 kernels of the runtime `own`, one image at a time, channels last (NHWC).
 *
 * Every kernel takes one pointer to its arguments, so that a caller outside C needs no calling
 * convention beyond "one pointer". Pointers stand first in each struct: it has no holes on cores
 * with 4 or with 8 byte pointers.
 *
 * A tensor of real numbers r is held as int8 q with r = scale * (q + offset).
 */
#ifndef BENCHSUITE_KERNELS_H
#define BENCHSUITE_KERNELS_H

#include <stdint.h>

/* Square kernel, padding kernel / 2, weights [out_channels][kernel][kernel][in_channels padded
 * with zeros to a multiple of 4], one multiplier and shift per output channel:
 *     out = clamp(((acc * multiplier + 2^(shift - 1)) >> shift) + out_offset, low, high)
 * columns: room for 2 * kernel^2 * padded in_channels numbers. */
typedef struct {
    const int8_t *in, *weights;
    const int32_t *bias, *multiplier, *shift;
    int8_t *out;
    int16_t *columns;
    int32_t height, width, in_channels, out_height, out_width, out_channels;
    int32_t kernel, stride, in_offset, out_offset, low, high;
} conv_args;

/* out = floor(sum / n + 1/2) over the n elements of a window that lie inside the image. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    int32_t height, width, channels, out_height, out_width;
    int32_t kernel, stride, padding;
} pool_args;

/* out = clamp((((a + a_offset) * a_scale + (b + b_offset) * b_scale + 2^(shift - 1)) >> shift)
 *             + out_offset, low, high); scales below 2^21. */
typedef struct {
    const int8_t *a, *b;
    int8_t *out;
    int32_t count, a_offset, a_scale, b_offset, b_scale, shift, out_offset, low, high;
} add_args;

/* out = clamp((((in + in_offset) * scale[channel] + bias[channel] + 2^(shift - 1)) >> shift)
 *             + out_offset, low, high); scales below 2^21, biases below 2^29. */
typedef struct {
    const int8_t *in;
    const int32_t *scale, *bias;
    int8_t *out;
    int32_t pixels, channels, in_offset, shift, out_offset, low, high;
} affine_args;

/* out = max(in, low) */
typedef struct {
    const int8_t *in;
    int8_t *out;
    int32_t count, low;
} relu_args;

/* weights [out_features][in_features]; in_features is a multiple of 4; requantised as in conv. */
typedef struct {
    const int8_t *in, *weights;
    const int32_t *bias;
    int8_t *out;
    int32_t in_features, out_features, in_offset, multiplier, shift, out_offset;
} linear_args;

void conv_s8(const conv_args *args);
void conv1x1_s8(const conv_args *args); /* kernel 1, stride 1, in_channels a multiple of 4 */
void avg_pool_s8(const pool_args *args); /* channels a multiple of 4 */
void add_s8(const add_args *args);
void affine_s8(const affine_args *args);
void relu_s8(const relu_args *args);
void linear_s8(const linear_args *args);

#endif
