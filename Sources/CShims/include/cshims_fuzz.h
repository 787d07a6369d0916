#ifndef SHOAL_CSHIMS_FUZZ_H
#define SHOAL_CSHIMS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with the words of a command line, if this program was linked with it (-sanitize=fuzzer).
/// Returns its exit code; -1 if it is not there.
int shoal_fuzz_drive(int *count, char ***words, int (*target)(const uint8_t *bytes, size_t size));

#endif
