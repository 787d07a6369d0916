#include "cshims_cpu.h"

// The builtins ask cpuid and xgetbv: an instruction counts only if the kernel saves its registers.

int shoal_cpu_has_x86_64_v3(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("lzcnt") &&
           __builtin_cpu_supports("f16c") && __builtin_cpu_supports("movbe");
#else
    return 0;
#endif
}

int shoal_cpu_has_x86_64_v4(void) {
#if defined(__x86_64__)
    return shoal_cpu_has_x86_64_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}
