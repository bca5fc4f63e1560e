/* test_barrier.c - the StoreLoad pairs: two threads that store and then look cannot both miss the other. */
#include <stdlib.h>

#include "base/barrier.h"
#include "base/cpu.h"
#include "support/support.h"

/* One side of the litmus test: it writes its own line only. */
struct side {
    _Alignas(CPU_LINE) struct atomic_u32 flag;
    _Alignas(CPU_LINE) struct atomic_u32 arrived; /* rounds begun */
    uint32_t *missed;                             /* by round: the other's flag was not there */
    struct side *other;
    void (*barrier)(void);
    uint32_t rounds;
};

static void
fall_in(struct side *side, uint32_t round)
{
    const int64_t until = patience_ends();

    store_u32(&side->arrived, round, TEST_RELEASE);
    for (int i = 0; load_u32(&side->other->arrived, TEST_ACQUIRE) < round; i++)
        if (i % 1000 == 999)
            await_step(until, "the other side's round", __FILE__, __LINE__);
}

static void
store_and_look(void *context)
{
    struct side *side = context;
    uint64_t random = 77;

    for (uint32_t round = 1; round <= side->rounds; round++) {
        fall_in(side, round);
        dawdle(&random, UINT64_C(16) << round % 5);
        store_u32(&side->flag, round, ORDER_HINT);
        side->barrier();
        side->missed[round - 1] = load_u32(&side->other->flag, ORDER_HINT) < round;
    }
}

static void
full(void)
{
    barrier_full();
}

static void
light(void)
{
    barrier_light();
}

/* Both sides store, pass their barrier, look; never both look in vain. */
static void
run_litmus(void (*frequent)(void), void (*rare)(void))
{
    const uint32_t rounds = (uint32_t)scaled(40000);
    struct side sides[2] = {{.barrier = frequent}, {.barrier = rare}};
    struct worker worker;
    uint32_t both = 0;

    for (int i = 0; i < 2; i++) {
        sides[i].rounds = rounds;
        sides[i].other = &sides[1 - i];
        sides[i].missed = calloc(rounds, sizeof *sides[i].missed);
    }
    worker_start(&worker, store_and_look, &sides[0]);
    store_and_look(&sides[1]);
    worker_join(&worker, "the frequent side");
    for (uint32_t i = 0; i < rounds; i++)
        both += sides[0].missed[i] && sides[1].missed[i];
    for (int i = 0; i < 2; i++)
        free(sides[i].missed);
    MUST(both == 0, "%u of %u times both sides missed the other", both, rounds);
}

static int
refuse_barrier(void)
{
    return RINGBUS_ESYS;
}

static void
never_barrier(void)
{
    MUST(false, "the system's barrier is used although it was refused");
}

static void
run_without_membarrier(void)
{
    ringbus__os.barrier_register = refuse_barrier;
    ringbus__os.barrier = never_barrier;
    ringbus__barrier_init();
    MUST(load_u32(&ringbus__barrier_fenced, ORDER_OWN) == 1, "no fall back to fences");
    run_litmus(light, ringbus__barrier_heavy);
}

/* First: what comes after it has found out what the system has. */
START_TEST(without_the_systems_barrier_both_sides_are_fences)
{
    run_in_child(run_without_membarrier);
}
END_TEST

START_TEST(light_and_heavy_never_both_miss_the_other)
{
    ringbus__barrier_init();
    run_litmus(light, ringbus__barrier_heavy);
}
END_TEST

START_TEST(two_full_barriers_never_both_miss_the_other)
{
    run_litmus(full, full);
}
END_TEST

START_TEST(what_the_system_has_is_asked_once)
{
    ringbus__barrier_init();
    os_watch_begin(0);
    ringbus__barrier_init();
    ck_assert_uint_eq(os_watch_fallible(), 0);
    os_watch_end();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("barrier", without_the_systems_barrier_both_sides_are_fences,
        light_and_heavy_never_both_miss_the_other, two_full_barriers_never_both_miss_the_other,
        what_the_system_has_is_asked_once);
}
