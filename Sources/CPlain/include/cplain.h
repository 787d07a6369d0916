#ifndef SHOAL_CPLAIN_H
#define SHOAL_CPLAIN_H

#include <stddef.h>
#include <stdint.h>

// What a C programmer writes first: yardsticks for `shoal bench`, part of no node.

/// sums[slots[row]][column] += values[row][column] << shifts[row], wrapping. All arrays are row-major.
void shoal_plain_merge(const int8_t *values, const uint8_t *shifts, const int32_t *slots, size_t rows, size_t dim,
                       int64_t *sums);

#endif
