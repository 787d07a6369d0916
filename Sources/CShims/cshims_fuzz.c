#include "cshims_fuzz.h"

// Part of libFuzzer; weak, so that programs without it link, too.
extern int LLVMFuzzerRunDriver(int *count, char ***words, int (*target)(const uint8_t *, size_t))
    __attribute__((weak));

int shoal_fuzz_drive(int *count, char ***words, int (*target)(const uint8_t *bytes, size_t size)) {
    return LLVMFuzzerRunDriver ? LLVMFuzzerRunDriver(count, words, target) : -1;
}
