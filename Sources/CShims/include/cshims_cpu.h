#ifndef SHOAL_CSHIMS_CPU_H
#define SHOAL_CSHIMS_CPU_H
// What this processor and its operating system can run. Swift has no cpuid.

/// 1 if all of x86-64-v3 (AVX2, FMA, BMI) works here.
int shoal_cpu_has_x86_64_v3(void);
/// 1 if all of x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) works here.
int shoal_cpu_has_x86_64_v4(void);

/// Tells the processor that this thread is waiting in a loop, so that its sibling may work.
static inline void shoal_cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

#endif
