/* cpu.h - the processor: a pause in a spin loop, how far apart two writers' lines must be. */
#ifndef RINGBUS_BASE_CPU_H
#define RINGBUS_BASE_CPU_H

/* Two lines: neighbours are fetched in pairs on x86, and lines have 128 bytes on some ARM. */
#define CPU_LINE 128

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

static inline void
cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#endif
