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

/* Have the line of `address` here, and in no other cache, when it is written. */
static inline void
cpu_fetch_to_write(const void *address)
{
#if defined(__x86_64__)
    /* Without a flag of its own gcc fetches it to read. A processor that has it not does nothing. */
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1);
#endif
}

#endif
