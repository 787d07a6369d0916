#include "cplain.h"

void shoal_plain_merge(const int8_t *restrict values, const uint8_t *restrict shifts, const int32_t *restrict slots,
                       size_t rows, size_t dim, int64_t *restrict sums) {
    for (size_t row = 0; row < rows; row++) {
        int64_t *sum = sums + (size_t)slots[row] * dim;
        const int8_t *value = values + row * dim;
        for (size_t column = 0; column < dim; column++) {
            // Unsigned, so that it wraps.
            sum[column] = (int64_t)((uint64_t)sum[column] + ((uint64_t)(int64_t)value[column] << shifts[row]));
        }
    }
}
