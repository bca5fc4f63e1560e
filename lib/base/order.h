/* order.h - THE memory model: every order of every atomic access in the library, by name.
 *
 * An edge has a release end and an acquire end; an access names its end, and one line above it says
 * what travels over it. memory_order_* is spelled nowhere else, so that each edge can be weakened
 * alone (-DORDER_PUBLISH_RELEASE=memory_order_relaxed) and the tests must then fail.
 *
 * The StoreLoad pairs (sleep/wake, join/scan, unregister/call) are no edges: they go through
 * barrier_light and ringbus__barrier_heavy of barrier.h, one side each. */
#ifndef RINGBUS_BASE_ORDER_H
#define RINGBUS_BASE_ORDER_H

#include <stdatomic.h>

/* PUBLISH: producer -> reader. A slot's content is written before it is read.
 *   release: the producer stores the stamp (claim_multi.c, post.h)   acquire: who reads looks at it (reader.c, share.c,
 *   lossy.c, lane.c, overflow.c, stall.c), so does who clears (gate.c), and the producer of the next lap (ring.h) */
#ifndef ORDER_PUBLISH_RELEASE
#define ORDER_PUBLISH_RELEASE memory_order_release
#endif
#ifndef ORDER_PUBLISH_ACQUIRE
#define ORDER_PUBLISH_ACQUIRE memory_order_acquire
#endif

/* WORD: a producer that overwrites an event of a lossy ring -> the reader that is copying it. Whoever has read a word
 * of a later lap finds that lap's claim, and throws the copy away.
 *   release: the producer stores a word of the payload, after its claim   acquire: the reader loads it, before it looks
 *   at the claims (both lossy.c) */
#ifndef ORDER_WORD_RELEASE
#define ORDER_WORD_RELEASE memory_order_release
#endif
#ifndef ORDER_WORD_ACQUIRE
#define ORDER_WORD_ACQUIRE memory_order_acquire
#endif

/* POSITION: reader -> producer (FREE) and reader -> reader after it (STAGE). What a reader did with a slot happens
 * before the slot is overwritten, and before the next stage looks at it.
 *   release: the reader commits (reader.c), a worker or a lane does (share.c, lane.c, board.c), who clears or releases
 *   behind them (gate.c, reference.c)   acquire: FREE: a producer scans the gate (gate.c, board.c); STAGE: a dependent
 *   or a later stage polls (reader.c, board.h), whoever asks how far all are (board.h, board.c, share.c, stall.c) */
#ifndef ORDER_POSITION_RELEASE
#define ORDER_POSITION_RELEASE memory_order_release
#endif
#ifndef ORDER_FREE_ACQUIRE
#define ORDER_FREE_ACQUIRE memory_order_acquire
#endif
#ifndef ORDER_STAGE_ACQUIRE
#define ORDER_STAGE_ACQUIRE memory_order_acquire
#endif

/* TAKE: worker -> whoever scans. A worker's position is stored before the range is seen to be taken.
 *   release: the worker moves its share's position (share.c), a lane its stage's `taken` (lane.c)   acquire: those of
 *   FREE and STAGE, which look at it first */
#ifndef ORDER_TAKE_RELEASE
#define ORDER_TAKE_RELEASE memory_order_release
#endif

/* GATE: producer -> producer. Hands on what FREE brought to the one who scanned.
 *   release: the scanner stores the gate (gate.c)   acquire: a claim checks it (ring.h, claim_single.c), who waits for
 *   room does (wait.c) */
#ifndef ORDER_GATE_RELEASE
#define ORDER_GATE_RELEASE memory_order_release
#endif
#ifndef ORDER_GATE_ACQUIRE
#define ORDER_GATE_ACQUIRE memory_order_acquire
#endif

/* CUT: whoever changes what a later claim must see (a match-set, a route, the end of the line) -> that claim.
 *   release: a read-modify-write of the claim word (ring.c), or of a group's era where nothing is claimed (group.c,
 *   match.c); who decides a window's edge (match.c); who retires something (record.c, to TABLE acquire)
 *   acquire: the claim's compare-and-swap, and looks at its word (ring.h, ring.c, claim_multi.c, post.c, reader.c,
 *   wait.c); who takes the era (caller.c, direct.c, cell.c); who finds the edge decided (match.c) */
#ifndef ORDER_CUT_RELEASE
#define ORDER_CUT_RELEASE memory_order_acq_rel
#endif
#ifndef ORDER_CUT_ACQUIRE
#define ORDER_CUT_ACQUIRE memory_order_acquire
#endif

/* LOCK: one holder of a lock -> the next (lock.h, lock.c); the owner of a serialized consumer -> who takes its place
 * (serial.h, serial.c); who uses a topic -> who frees it (topic.c). */
#ifndef ORDER_LOCK_RELEASE
#define ORDER_LOCK_RELEASE memory_order_release
#endif
#ifndef ORDER_LOCK_ACQUIRE
#define ORDER_LOCK_ACQUIRE memory_order_acquire
#endif

/* WAKE: who changed a condition -> the sleeper that looks at it again. The words are changed by read-modify-writes,
 * so that a waker and a sleeper that race agree on who came first (park.h, wait.c, set.c, loop.c, stall.c,
 * processor.c). So are others that threads hand on: turns and their marks (gate.c, reference.c), attention (bus.c),
 * debts and pins (caller.c, exit.c), a topic's references (topic.c), a barrier's word (barrier.h). */
#ifndef ORDER_WAKE
#define ORDER_WAKE memory_order_acq_rel
#endif

/* TABLE: a pointer, a route, a bound or a count, and what it leads to, made before it is followed.
 *   release: who registers or makes something: sets and routes (match.c, registration.c, matching.c, topic.c), places
 *   (lookup.h), groups, stages and bells (group.c, group.h, board.c, poll.c), readers (reader.c), references
 *   (reference.c)   acquire: posters, dispatchers, scans of the gate; who enters an epoch (record.h, record.c) */
#ifndef ORDER_TABLE_RELEASE
#define ORDER_TABLE_RELEASE memory_order_release
#endif
#ifndef ORDER_TABLE_ACQUIRE
#define ORDER_TABLE_ACQUIRE memory_order_acquire
#endif

/* EPOCH: a thread that leaves a delivery -> whoever frees what it could have held (record.h, record.c). */
#ifndef ORDER_EPOCH_RELEASE
#define ORDER_EPOCH_RELEASE memory_order_release
#endif
#ifndef ORDER_EPOCH_ACQUIRE
#define ORDER_EPOCH_ACQUIRE memory_order_acquire
#endif

/* CALL: a handler that has returned -> whoever waited for that.
 *   release: the end of a call (record.h), of a batch_end that was due (dispatch.c, lane.c, exit.c), of a replay
 *   (replay.c)   acquire: who looks for callers (record.c), at what is due (consumer.c), at replays (group.h,
 *   direct.c) */
#ifndef ORDER_CALL_RELEASE
#define ORDER_CALL_RELEASE memory_order_release
#endif
#ifndef ORDER_CALL_ACQUIRE
#define ORDER_CALL_ACQUIRE memory_order_acquire
#endif

/* DROP: whoever drops a reference to a payload -> who drops the last one, and has it released (reference.c). */
#ifndef ORDER_DROP
#define ORDER_DROP memory_order_acq_rel
#endif

/* STATE: a state word and what was settled before it changed: of a bus (shutdown.c), a group and its lanes (group.c,
 * group_end.c, thread.c, board.c), a retained topic (retain.c), a ring and a processor (ring.c, processor.c), a loop's
 * bell (uv.c), the process's barrier (barrier.c).
 *   release: the thread that changes it   acquire: who acts on it: of a bus and a retained topic posters, too (post.c,
 *   room.c, direct.c). Also who waits for a word of WAKE to become 0 (bus.c, caller.c, loop.c, wait.c), and visit.c,
 *   which looks at two figures in order */
#ifndef ORDER_STATE_RELEASE
#define ORDER_STATE_RELEASE memory_order_release
#endif
#ifndef ORDER_STATE_ACQUIRE
#define ORDER_STATE_ACQUIRE memory_order_acquire
#endif

/* OWN: only this thread writes it, or a lock is held: nothing travels. */
#define ORDER_OWN memory_order_relaxed
/* HINT: a look whose answer is checked again under an edge, a lock or a barrier. */
#define ORDER_HINT memory_order_relaxed
/* COUNT: a figure; nothing is read through it. */
#define ORDER_COUNT memory_order_relaxed
/* FAILED: of a compare-and-swap that failed: its caller looks again. */
#define ORDER_FAILED memory_order_relaxed
/* FULL: a StoreLoad fence; used in barrier.h only. */
#define ORDER_FULL memory_order_seq_cst

#endif
