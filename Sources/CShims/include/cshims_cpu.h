#ifndef SHOAL_CSHIMS_CPU_H
#define SHOAL_CSHIMS_CPU_H
// What this processor and its operating system can run. Swift has no cpuid.

/// 1 if all of x86-64-v3 (AVX2, FMA, BMI) works here.
int shoal_cpu_has_x86_64_v3(void);
/// 1 if all of x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) works here.
int shoal_cpu_has_x86_64_v4(void);

#endif
