#ifndef SHOAL_CHINTS_H
#define SHOAL_CHINTS_H

// Hints to the processor that Swift cannot give. They change no result.

/// Tells the processor that this thread is waiting in a loop, so that its sibling may work.
static inline void shoal_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/// Asks for the cache line at `address`, to be read soon, in the second-level cache. Any address will do.
static inline void shoal_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

#endif
