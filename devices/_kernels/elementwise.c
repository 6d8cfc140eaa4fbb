/* Kernels that treat one element, or one pixel, at a time; and the classifier. */
#include "arith.h"
#include "kernels.h"

/* The arguments are copied first: a store through an int8 pointer could change them, so a compiler
 * would have to load them again for every element. */

void add_s8(const add_args *args) {
    const add_args a = *args;
    /* a_offset, b_offset and the rounding add up to one constant. */
    const int32_t start = a.a_offset * a.a_scale + a.b_offset * a.b_scale + (1 << (a.shift - 1));
    for (int i = 0; i < a.count; i++) {
        const int32_t sum = start + a.a[i] * a.a_scale + a.b[i] * a.b_scale;
        a.out[i] = (int8_t)clamp((sum >> a.shift) + a.out_offset, a.low, a.high);
    }
}

void affine_s8(const affine_args *args) {
    const affine_args a = *args;
    const int8_t *in = a.in;
    int8_t *out = a.out;
    for (int pixel = 0; pixel < a.pixels; pixel++) {
        for (int channel = 0; channel < a.channels; channel++) {
            const int32_t scaled = (*in++ + a.in_offset) * a.scale[channel] + a.bias[channel];
            const int32_t rounded = (scaled + (1 << (a.shift - 1))) >> a.shift;
            *out++ = (int8_t)clamp(rounded + a.out_offset, a.low, a.high);
        }
    }
}

void relu_s8(const relu_args *args) {
    const relu_args a = *args;
    for (int i = 0; i < a.count; i++) {
        a.out[i] = (int8_t)(a.in[i] < a.low ? a.low : a.in[i]);
    }
}

void linear_s8(const linear_args *a) {
    const int8_t *weights = a->weights;
    for (int feature = 0; feature < a->out_features; feature++) {
        int32_t acc = a->bias[feature];
        for (int i = 0; i < a->in_features; i += 4, weights += 4) {
            int16_t column[4];
            expand4(a->in + i, a->in_offset, column);
            acc = dot4(load_weights(weights), load_column(column), acc);
        }
        const int32_t scaled = requantise(acc, a->multiplier, a->shift);
        a->out[feature] = (int8_t)clamp(scaled + a->out_offset, -128, 127);
    }
}
