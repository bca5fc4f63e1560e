/* litmus.c - the checker's own test: known programs, and exactly the outcomes that C11 (without load buffering, and
 * with modification order = order of execution) allows them. */
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "model.h"

static struct atomic_u32 x, y, z;
static unsigned r[4];
static uint32_t seen
    MODEL_KEPT; /* bit of r0 + 2 r1 + 4 r2 + 8 r3; for CoRR and S, values up to 3 */

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define BOTH memory_order_acq_rel

static const char *litmus_name MODEL_KEPT;

static void
begin(void)
{
    x.value = y.value = z.value = 0;
    memset(r, 0, sizeof r);
    model_name(&x.value, "x");
    model_name(&y.value, "y");
}

static void
note(unsigned outcome)
{
    seen |= UINT32_C(1) << outcome;
}

static void
end(void)
{
    note(r[0] + 2 * r[1] + 4 * r[2] + 8 * r[3]);
}

static const char *
compare(uint32_t expected)
{
    static char text[120];
    const uint32_t found = seen;

    if (found == expected)
        return NULL;
    snprintf(text, sizeof text, "outcomes %#x, not %#x", found, expected);
    return text;
}

static void
begin_anew(const char *name)
{
    if (litmus_name != name)
        seen = 0;
    litmus_name = name;
    begin();
}

/* LITMUS(name, expected outcomes, bodies...) */
#define LITMUS(name, expected)                                                                     \
    static void begin_##name(void)                                                                 \
    {                                                                                              \
        begin_anew(#name);                                                                         \
    }                                                                                              \
    static const char *judge_##name(void)                                                          \
    {                                                                                              \
        return compare(expected);                                                                  \
    }
#define THREAD(name, body)                                                                         \
    static void name(void)                                                                         \
    {                                                                                              \
        body;                                                                                      \
    }
#define R(n, word, order) r[n] = load_u32(&word, order)
#define W(word, value, order) store_u32(&word, value, order)
#define FENCE model_fence(memory_order_seq_cst)

/* SB: both may miss the other's store, unless both fence. */
LITMUS(sb, 0xf)
THREAD(sb_0, W(x, 1, RELEASE); R(0, y, ACQUIRE))
THREAD(sb_1, W(y, 1, RELEASE); R(1, x, ACQUIRE))
LITMUS(sb_fences, 0xe)
THREAD(sb_fences_0, W(x, 1, RELAXED); FENCE; R(0, y, RELAXED))
THREAD(sb_fences_1, W(y, 1, RELAXED); FENCE; R(1, x, RELAXED))
LITMUS(sb_one_fence, 0xf)
/* A fence on one side, a barrier of the whole process on the other: enough. */
LITMUS(sb_barrier, 0xe)
void memory_barrier(void);
THREAD(sb_barrier_1, W(y, 1, RELAXED); memory_barrier(); R(1, x, RELAXED))
THREAD(sb_barrier_0, W(x, 1, RELAXED); R(0, y, RELAXED))
/* A read-modify-write of one word on both sides. */
LITMUS(sb_changes, 0xe)
THREAD(sb_changes_0, W(x, 1, RELAXED); add_u32(&z, 1, BOTH); R(0, y, RELAXED))
THREAD(sb_changes_1, W(y, 1, RELAXED); add_u32(&z, 1, BOTH); R(1, x, RELAXED))

/* MP: flag seen, data not: only if relaxed. r0 = flag, r1 = data; outcome 1. */
LITMUS(mp, 0xd)
THREAD(mp_0, W(x, 1, RELAXED); W(y, 1, RELEASE))
THREAD(mp_1, R(0, y, ACQUIRE); R(1, x, RELAXED))
LITMUS(mp_relaxed_store, 0xf)
THREAD(mp_relaxed_0, W(x, 1, RELAXED); W(y, 1, RELAXED))
LITMUS(mp_relaxed_load, 0xf)
THREAD(mp_relaxed_1, R(0, y, RELAXED); R(1, x, RELAXED))
LITMUS(mp_fences, 0xd)
THREAD(mp_fences_0, W(x, 1, RELAXED); model_fence(RELEASE); W(y, 1, RELAXED))
THREAD(mp_fences_1, R(0, y, RELAXED); model_fence(ACQUIRE); R(1, x, RELAXED))

/* MP through a third thread's relaxed read-modify-write, which goes on with the release sequence. r2: the RMW came
 * after the flag. */
LITMUS(mp_sequence, 0xd)
THREAD(mp_sequence_1, add_u32(&y, 1, RELAXED))
THREAD(mp_sequence_2, r[0] = load_u32(&y, ACQUIRE) == 2; R(1, x, RELAXED))

/* WRC: x seen by the second, told on by y: the third sees x. r0 = x at 1, r1 = y at 2, r2 = x at 2. */
LITMUS(wrc, 0xf7)
THREAD(wrc_0, W(x, 1, RELEASE))
THREAD(wrc_1, R(0, x, ACQUIRE); W(y, 1, RELEASE))
THREAD(wrc_2, R(1, y, ACQUIRE); R(2, x, RELAXED))

/* ISA2: told on twice. */
LITMUS(isa2, 0xf7)
THREAD(isa2_0, W(x, 1, RELAXED); W(y, 1, RELEASE))
THREAD(isa2_1, R(0, y, ACQUIRE); W(z, 1, RELEASE))
THREAD(isa2_2, R(1, z, ACQUIRE); R(2, x, RELAXED))

/* IRIW: two readers may disagree on the order of two writers, unless they fence. r0 r1: x y at 2; r2 r3: y x at 3. */
LITMUS(iriw, 0xffff)
THREAD(write_x, W(x, 1, RELEASE))
THREAD(write_y, W(y, 1, RELEASE))
THREAD(iriw_2, R(0, x, ACQUIRE); R(1, y, ACQUIRE))
THREAD(iriw_3, R(2, y, ACQUIRE); R(3, x, ACQUIRE))
LITMUS(iriw_fences, 0xffdf)
THREAD(iriw_fences_2, R(0, x, RELAXED); FENCE; R(1, y, RELAXED))
THREAD(iriw_fences_3, R(2, y, RELAXED); FENCE; R(3, x, RELAXED))

/* CoRR: one word is never seen to go back. */
LITMUS(corr, 0xd)
THREAD(corr_0, W(x, 1, RELAXED))
THREAD(corr_1, R(0, x, RELAXED); R(1, x, RELAXED))

/* R: store, store | store, fence, load. With fences on both sides 2 stores to y in the order 1, 2 and x = 0 do not
 * go together. r0 = last y is 2, r1 = x at 1. */
LITMUS(r_fences, 0xe)
THREAD(r_0, W(x, 1, RELAXED); FENCE; W(y, 1, RELAXED))
THREAD(r_1, W(y, 2, RELAXED); FENCE; R(1, x, RELAXED))
static void
r_end(void)
{
    r[0] = load_u32(&y, RELAXED) == 1;
    end();
}

/* S: store 2 to x, release y | acquire y, store 1 to x: y seen, then 1 is the later. r0 = y at 1, r1 = last x is 2. */
LITMUS(s, 0x7)
THREAD(s_0, W(x, 2, RELAXED); W(y, 1, RELEASE))
THREAD(s_1, R(0, y, ACQUIRE); W(x, 1, RELAXED))
static void
s_end(void)
{
    r[1] = load_u32(&x, RELAXED) == 2;
    end();
}

/* 2+2W: both words end with their first value: C11 allows it to relaxed stores, this machine does not make it. */
LITMUS(w22, 0xe)
THREAD(w22_0, W(x, 1, RELAXED); W(y, 2, RELAXED))
THREAD(w22_1, W(y, 1, RELAXED); W(x, 2, RELAXED))
static void
w22_end(void)
{
    r[0] = load_u32(&x, RELAXED) == 2;
    r[1] = load_u32(&y, RELAXED) == 2;
    end();
}

/* LB: both see the other's later store: C11 allows it, this machine does not make it. */
LITMUS(lb, 0x7)
THREAD(lb_0, R(0, x, RELAXED); W(y, 1, RELAXED))
THREAD(lb_1, R(1, y, RELAXED); W(x, 1, RELAXED))

/* Two changes of one word are never both first. */
LITMUS(changes, 0x6)
THREAD(changes_0, r[0] = add_u32(&x, 1, RELAXED))
THREAD(changes_1, r[1] = add_u32(&x, 1, RELAXED))

#define ROW(name, ending, ...)                                                                     \
    {                                                                                              \
        "litmus_" #name, "the checker itself", begin_##name, {__VA_ARGS__}, ending, judge_##name,  \
            false, 0, 0                                                                            \
    }

const struct scenario model_litmus[] = {
    ROW(sb, end, sb_0, sb_1),
    ROW(sb_fences, end, sb_fences_0, sb_fences_1),
    ROW(sb_one_fence, end, sb_fences_0, sb_1),
    ROW(sb_barrier, end, sb_barrier_0, sb_barrier_1),
    ROW(sb_changes, end, sb_changes_0, sb_changes_1),
    ROW(mp, end, mp_0, mp_1),
    ROW(mp_relaxed_store, end, mp_relaxed_0, mp_1),
    ROW(mp_relaxed_load, end, mp_0, mp_relaxed_1),
    ROW(mp_fences, end, mp_fences_0, mp_fences_1),
    ROW(mp_sequence, end, mp_0, mp_sequence_1, mp_sequence_2),
    ROW(wrc, end, wrc_0, wrc_1, wrc_2),
    ROW(isa2, end, isa2_0, isa2_1, isa2_2),
    ROW(iriw, end, write_x, write_y, iriw_2, iriw_3),
    ROW(iriw_fences, end, write_x, write_y, iriw_fences_2, iriw_fences_3),
    ROW(corr, end, corr_0, corr_1),
    ROW(r_fences, r_end, r_0, r_1),
    ROW(s, s_end, s_0, s_1),
    ROW(w22, w22_end, w22_0, w22_1),
    ROW(lb, end, lb_0, lb_1),
    ROW(changes, end, changes_0, changes_1),
    {0},
};
