/* barrier.c - the heavy side of the StoreLoad pairs. */
#include "base/barrier.h"

#include "base/os.h"
#include "ringbus/error.h"

struct atomic_u32 ringbus__barrier_fenced;
struct atomic_u32 ringbus__barrier_word;

enum { UNKNOWN, KNOWN };

void
ringbus__barrier_init(void)
{
    struct os_process *process = ringbus__process();

    /* STATE: the answer below is written before this says so. */
    if (process != NULL && load_u32(&process->barrier, ORDER_STATE_ACQUIRE) == KNOWN)
        return;
    /* Two threads may both register: that is harmless, and they get the same answer. */
    if (ringbus__os.barrier_register() != RINGBUS_OK)
        store_u32(&ringbus__barrier_fenced, 1, ORDER_HINT);
    if (process != NULL)
        store_u32(&process->barrier, KNOWN, ORDER_STATE_RELEASE);
}

void
ringbus__barrier_heavy(void)
{
#ifdef BARRIER_BY_RMW
    barrier_full();
#else
    barrier_full();
    if (!load_u32(&ringbus__barrier_fenced, ORDER_HINT))
        ringbus__os.barrier();
#endif
}
