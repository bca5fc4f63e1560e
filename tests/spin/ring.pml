/* ring.pml - the protocols of lib/ring: claim, publish, abandon, join, leave, sleep, wake, end.
 *
 * I1  one atomic step is one access to a shared word, as the library makes it, and what follows from it; two accesses
 *     are one step only where others cannot tell (they say why)
 * I2  what the library stores before it looks elsewhere (a stamp, then `sleepers`; a position, then `room` or `next`)
 *     goes through a store buffer. Others see it when `memory` takes it out, when its owner makes a read-modify-write,
 *     or by anybody's heavy barrier. So a light barrier is nothing here, and a heavy one left out is found
 * I3  `written`, `has_ended` and the counts are for the checks: no step depends on them. `due` is a reader's own word,
 *     written before others could see what it is to cause
 *
 * README.md says how it is run. The other names in #if are mutants: the library with one mistake. */

/* ---- how large ---- */

#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef JOINERS
#define JOINERS 0 /* of the readers; the others are there from the beginning */
#endif
#ifndef EVENTS
#define EVENTS 2 /* claims of each producer */
#endif
#ifndef BATCH
#define BATCH 1 /* slots in a claim of the last producer; the others claim one */
#endif
#ifndef LAST_EVENTS
#define LAST_EVENTS EVENTS /* claims of the last producer */
#endif
#ifndef FILLED
#define FILLED 0 /* events published and not yet read, at the beginning */
#endif

/* VOID    a claim may be abandoned instead of published
 * LEAVES  a reader may leave at any time
 * SPINS   who finds nothing may look again without end, before it sleeps */

#define ACTORS (PRODUCERS + READERS)
#define ENDER ACTORS
#define READER(index) (PRODUCERS + (index))

#define FIRST CAPACITY /* so that the lap before has sequences too */
#define NOT_OPEN 255
#define CLOSED 128
#define SEQUENCE(word) ((word) & 127)
#define SLOT(sequence) ((sequence) % CAPACITY)
#define STAMP(sequence) (((sequence) + 1) * 2)
#define STAMPED(stamp) (((stamp) >> 1) - 1)
#define PRODUCER_SLEEPS 128
#ifdef GATE_OFF_BY_ONE
#define SLACK 1
#else
#define SLACK 0
#endif
#define BIT(index) (1 << (index))

/* ---- the ring ---- */

byte next = FIRST + FILLED; /* the claim word */
byte gate = FIRST - 1;
byte stamp[CAPACITY];
byte position[READERS] = NOT_OPEN;
byte sleepers;
bool asleep[READERS];
/* The signal: its lowest bit, and instead of the word for each producer whether its key is still the word. */
bool room;
bool current[PRODUCERS];

/* ---- the machine ---- */

bool resting[ACTORS];          /* inside word_wait */
byte buffer[2 * (ACTORS + 1)]; /* two stores of each actor, the older first; 0: none */

#define OLDER(actor) buffer[2 * (actor)]
#define NEWER(actor) buffer[2 * (actor) + 1]

/* ---- what the checks know ---- */

byte written[CAPACITY]; /* the sequence whose claimer owns, or was the last to own, the slot */
byte due[READERS];      /* the first sequence the reader may still read; 0: it is not open */
byte producers_left = PRODUCERS;
byte readers_left = READERS;
bool has_ended;

/* Reader `index` has finished everything that is published and not behind a gap. */
#define HAS_READ(index) (due[index] == 0 || STAMPED(stamp[SLOT(due[index])]) != due[index])
#if READERS == 1
#define ALL_READ HAS_READ(0)
#else
#define ALL_READ (HAS_READ(0) && HAS_READ(1))
#endif

hidden byte k; /* within a step */

inline take_out(actor)
{
    if
    :: (actor) < PRODUCERS -> stamp[SLOT(STAMPED(OLDER(actor)))] = OLDER(actor)
    :: else -> position[(actor) - PRODUCERS] = OLDER(actor)
    fi;
    OLDER(actor) = NEWER(actor);
    NEWER(actor) = 0
}

/* A full fence of `actor`: alone, or as part of its read-modify-write. */
inline fence(actor)
{
    do
    :: OLDER(actor) != 0 -> take_out(actor)
    :: else -> break
    od
}

/* A full buffer makes its owner wait. */
inline store(actor, value)
{
    NEWER(actor) == 0;
    if
    :: OLDER(actor) == 0 -> OLDER(actor) = value
    :: else -> NEWER(actor) = value
    fi
}

/* Our own fence, then one after the other of everybody else. Ours may well be a part of the next one: `memory` could
 * have done it earlier. */
inline heavy(actor)
{
    do
    :: atomic {
        fence(actor);
        if
        :: i == (actor) -> i++
        :: else
        fi;
        fence(i);
        i++;
        if
        :: i == (actor) -> i++
        :: else
        fi;
        if
        :: i >= ACTORS -> i = 0; break
        :: else
        fi
    }
    od
}

proctype memory()
{
end:
    do
    :: atomic { OLDER(0) != 0 -> take_out(0) }
    :: atomic { OLDER(1) != 0 -> take_out(1) }
#if ACTORS > 2
    :: atomic { OLDER(2) != 0 -> take_out(2) }
#endif
#if ACTORS > 3
    :: atomic { OLDER(3) != 0 -> take_out(3) }
#endif
    od
}

/* ---- waking ---- */

/* signal_raise. Its look and its compare-and-swap are one step: if the word changes between them, the look might as
 * well have come after the change. So are the change of the word and word_wake: whoever would go to sleep between them
 * finds the word changed. */
inline raise(actor)
{
    if
    :: room ->
        fence(actor);
        room = false;
        k = 0;
        do
        :: k < PRODUCERS -> current[k] = false; resting[k] = false; k++
        :: else -> break
        od
    :: else
    fi
}

/* ringbus__ring_wake, with the look at `sleepers` before it, then the wake-ups. One step for look and exchange, and for
 * a sleeper's word and word_wake, for the same reasons. */
inline take_sleepers(actor)
{
#ifndef TAKE_WITHOUT_EXCHANGE
    if
    :: sleepers != 0 ->
        fence(actor);
        taken = sleepers;
        sleepers = 0
    :: else
    fi
#else
    taken = sleepers
#endif
}

inline wake_taken(actor)
{
    do
    :: atomic {
        taken & PRODUCER_SLEEPS ->
        taken = taken & ~PRODUCER_SLEEPS;
        raise(actor);
        if
        :: taken == 0 -> break
        :: else
        fi
    }
    :: atomic {
        taken != 0 && !(taken & PRODUCER_SLEEPS) ->
        fence(actor);
        k = 0;
        do
        :: taken & BIT(k) -> break
        :: else -> k++
        od;
        taken = taken & ~BIT(k);
        asleep[k] = false;
        resting[READER(k)] = false;
        if
        :: taken == 0 -> break
        :: else
        fi
    }
    od
}

/* ---- producers ---- */

/* Would a claim of n, its first sequence in `seen`, find room? The answer is `ok`. */
inline look_for_room()
{
    atomic {
        ok = gate + CAPACITY + SLACK >= SEQUENCE(seen) + n - 1;
        if
#ifndef SCAN_WITHOUT_BOUND
        :: !ok -> slowest = SEQUENCE(seen) - 1
#else
        :: !ok -> slowest = NOT_OPEN - 1
#endif
        :: else
        fi
    }
    do
    :: atomic {
        !ok && i < READERS ->
        if
        :: position[i] < slowest -> slowest = position[i]
        :: else
        fi;
        i++
    }
    :: atomic {
        !ok && i == READERS ->
        gate = slowest;
        ok = slowest + CAPACITY + SLACK >= SEQUENCE(seen) + n - 1;
        slowest = 0;
        i = 0;
        if
        :: !ok -> break
        :: else
        fi
    }
    :: atomic {
        ok ->
        k = SEQUENCE(seen) + i - CAPACITY;
        /* a producer sees its own stores before others do */
#ifndef NO_PREVIOUS_LAP
        ok = STAMPED(stamp[SLOT(k)]) == k || (OLDER(me) != 0 && STAMPED(OLDER(me)) == k) ||
             (NEWER(me) != 0 && STAMPED(NEWER(me)) == k);
#else
        ok = true;
#endif
        i++;
        if
        :: !ok || i == n -> i = 0; break
        :: else
        fi
    }
    od
}

/* The claim has succeeded: the line is open, and nobody may still write or read these slots. */
inline own()
{
    assert(!has_ended);
    k = seen;
    do
    :: k < seen + n ->
        assert(STAMPED(stamp[SLOT(k)]) == k - CAPACITY);
        written[SLOT(k)] = k;
        k++
    :: else -> break
    od;
    k = 0;
    do
    :: k < READERS ->
        assert(due[k] == 0 || due[k] + CAPACITY >= seen + n);
        k++
    :: else -> break
    od
}

inline finish()
{
    producers_left--;
    goto finished
}

/* ESHUTDOWN */
inline finish_closed()
{
#ifdef END_IS_EAGAIN
    goto no_room
#else
    finish()
#endif
}

proctype producer(byte me; byte n)
{
    byte left = (me == PRODUCERS - 1 -> LAST_EVENTS : EVENTS), seen, slowest, i, taken;
    bool ok, mark;

claim:
    atomic {
        if
        :: left == 0 -> finish()
        :: else
        fi;
        seen = next;
        if
        :: seen & CLOSED -> finish_closed()
        :: else
        fi
    }
again:
    look_for_room();
    if
    :: atomic {
        ok ->
        ok = false;
        fence(me);
        if
#ifndef END_NOT_IN_CLAIM
        :: next == seen ->
            own();
#else
        :: SEQUENCE(next) == seen ->
            own();
#endif
            next = next + n;
#ifdef VOID
            if
            :: mark = true
            :: true
            fi;
#endif
            goto publish
        :: else
        fi;
        /* It failed. The look that follows could not have found less. */
        seen = next;
        if
        :: seen & CLOSED -> finish_closed()
        :: else -> goto again
        fi
    }
    :: atomic {
        !ok ->
        if
        :: next == seen -> goto no_room
        :: else -> seen = next
        fi;
        if
        :: seen & CLOSED -> finish_closed()
        :: else -> goto again
        fi
    }
    fi;

no_room:
#ifdef SPINS
    if
    :: true -> goto claim
    :: true
    fi;
#endif
#ifdef ROOM_AFTER_BIT
    atomic { fence(me); sleepers = sleepers | PRODUCER_SLEEPS }
#endif
    atomic {
        fence(me);
        room = true;
#ifndef KEY_LATE
        current[me] = true
#endif
    }
#if !defined ROOM_AFTER_BIT && !defined NO_BIT_FOR_ROOM
    atomic { fence(me); sleepers = sleepers | PRODUCER_SLEEPS }
#endif
#ifndef NO_HEAVY_FOR_ROOM
    heavy(me);
#endif
#ifndef NO_LOOK_AGAIN_FOR_ROOM
    seen = next;
    look_for_room();
    if
    :: atomic { ok -> ok = false; current[me] = false; goto claim }
    :: atomic {
        !ok ->
        if
        :: next & CLOSED -> current[me] = false; goto claim
        :: else
        fi
    }
    fi;
#endif
#ifdef KEY_LATE
    current[me] = true;
#endif
    atomic {
        if
        :: current[me] -> resting[me] = true
        :: else -> goto claim
        fi
    }
    atomic { !resting[me] -> goto claim }

publish:
    do
    :: atomic { i < n -> store(me, STAMP(seen + i) + mark); i++ }
    :: atomic {
        i == n ->
        i = 0;
        mark = false;
        left--;
        take_sleepers(me);
        if
        :: taken == 0 -> goto claim
        :: else -> break
        fi
    }
    od;
#ifdef TAKE_WITHOUT_EXCHANGE
    atomic { fence(me); sleepers = 0 }
#endif
    wake_taken(me);
    goto claim;
finished:
    skip
}

/* ---- readers ---- */

proctype reader(byte me; bool joins)
{
    byte first, i;
    bool armed, stepped;

    if
    :: joins ->
        first = SEQUENCE(next) - 1;
        atomic { store(READER(me), first) }
#ifndef NO_HEAVY_IN_JOIN
        heavy(READER(me));
#endif
#ifndef NO_SECOND_LOOK
        atomic { first = SEQUENCE(next) - 1; due[me] = first + 1 }
#else
        due[me] = first + 1;
#endif
        atomic { store(READER(me), first) }
#ifndef JOIN_MOVES_NOTHING
        atomic { raise(READER(me)) }
#endif
    :: else
    fi;

poll:
    atomic {
#ifdef LEAVES
        if
        :: !armed -> goto leave
        :: true
        fi;
#endif
        first = due[me];
#ifndef STUCK_AT_VOID
        /* Looks at abandoned slots are one step with the next look: such a slot stays as it is until we move. */
        do
        :: stamp[SLOT(first)] == STAMP(first) + 1 -> first++
        :: else -> break
        od;
#endif
        if
        :: stamp[SLOT(first)] == STAMP(first) ->
            assert(written[SLOT(first)] == first);
            armed = false;
            due[me] = first + 1;
            first = 0
        :: else ->
#ifndef VOID_NOT_STEPPED
            stepped = first != due[me];
            due[me] = first;
#endif
            first = 0;
            if
            :: !stepped -> goto ask
            :: else
            fi
        fi;
        store(READER(me), due[me] - 1)
    }
    /* ring_moved */
    atomic {
        raise(READER(me));
        if
        :: !stepped -> goto poll
        :: else
        fi
    }
ask:
    atomic {
        if
#if defined END_BEFORE_READ
        :: next & CLOSED -> assert(SEQUENCE(next) == due[me]); goto leave
#elif defined NO_LOOK_FOR_END
        :: false
#else
        :: (next & CLOSED) && SEQUENCE(next) == due[me] -> goto leave
#endif
        :: else
        fi;
        if
        :: !armed -> stepped = false
        :: armed && stepped -> armed = false; stepped = false; goto poll
        :: armed && !stepped -> goto sleep
        fi
    }
#ifdef SPINS
    if
    :: true -> goto poll
    :: true
    fi;
#endif
#ifndef ANNOUNCE_LATE
    asleep[me] = true;
    atomic { fence(READER(me)); sleepers = sleepers | BIT(me) }
#else
    atomic { fence(READER(me)); sleepers = sleepers | BIT(me) }
    asleep[me] = true;
#endif
#ifndef NO_HEAVY_BEFORE_SLEEP
    heavy(READER(me));
#endif
#ifndef NO_LOOK_AGAIN
    atomic { armed = true; goto poll }
#endif
sleep:
    atomic {
        armed = false;
        if
        :: asleep[me] -> resting[READER(me)] = true
        :: else -> goto poll
        fi
    }
end_asleep:
    atomic { !resting[READER(me)] -> goto poll }

leave:
    atomic {
        due[me] = 0;
#ifndef LEAVE_KEEPS_POSITION
        store(READER(me), NOT_OPEN)
#endif
    }
    atomic {
#ifndef LEAVE_MOVES_NOTHING
        raise(READER(me));
#endif
        readers_left--
    }
}

/* ---- the end, and what must hold then ---- */

/* If everybody sleeps or has finished, it is not for want of the end. Looked at in every state before the end. */
inline check_if_asleep()
{
    taken = producers_left + readers_left;
    k = 0;
    do
    :: k < ACTORS ->
        taken = (resting[k] && OLDER(k) == 0 -> taken - 1 : taken);
        k++
    :: else -> break
    od;
    if
    :: taken == 0 -> check_at_rest()
    :: else -> taken = 0
    fi
}

inline check_at_rest()
{
    assert(producers_left == 0);
    k = 0;
    do
    :: k < READERS -> assert(due[k] == 0 || due[k] == SEQUENCE(next)); k++
    :: else -> break
    od
}

proctype ender()
{
    byte taken;

#ifdef SPINS
    if
    :: true -> goto finished /* it never ends */
    :: true
    fi;
#endif
    atomic {
        check_if_asleep();
        next = next | CLOSED;
        has_ended = true
    }
    atomic { raise(ENDER) }
#ifndef END_WAKES_NOBODY
    atomic {
        take_sleepers(ENDER);
        if
        :: taken == 0 -> goto finished
        :: else
        fi
    }
    wake_taken(ENDER);
#endif
finished:
    skip
}

init
{
    atomic {
        k = 0;
        do
        :: k < CAPACITY + FILLED -> stamp[SLOT(k)] = STAMP(k); written[SLOT(k)] = k; k++
        :: else -> break
        od;
        run memory();
        k = 0;
        do
        :: k < PRODUCERS -> run producer(k, (k == PRODUCERS - 1 -> BATCH : 1)); k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < READERS - JOINERS -> position[k] = FIRST - 1; due[k] = FIRST; run reader(k, false); k++
        :: k >= READERS - JOINERS && k < READERS -> run reader(k, true); k++
        :: else -> break
        od;
        run ender()
    }
    atomic {
        timeout -> /* nobody can go on */
        check_at_rest();
        assert(!has_ended || readers_left == 0)
    }
}

#ifdef SPINS
ltl read { <>[] ALL_READ }
ltl claimed { <> (producers_left == 0) }
ltl ended { [] (has_ended -> <> (readers_left == 0)) }
#endif
