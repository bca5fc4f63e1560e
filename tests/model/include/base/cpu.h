/* cpu.h - lib/base/cpu.h for the model checker: a pause in a spin loop is told to the checker. */
#ifndef RINGBUS_MODEL_CPU_H
#define RINGBUS_MODEL_CPU_H

#define cpu_pause cpu_pause_for_real
#include "../lib/base/cpu.h"
#undef cpu_pause

void model_pause(void);

static inline void
cpu_pause(void)
{
    (void)cpu_pause_for_real;
    model_pause();
}

#endif
