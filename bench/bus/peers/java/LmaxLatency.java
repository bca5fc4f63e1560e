// LmaxLatency.java - how late events come through an LMAX Disruptor at a steady rate, without coordinated omission: the
// poster keeps to an absolute schedule and leaves out no event that is late; an event carries the time it was due at,
// and the consumer notes what has passed since. One topic, one consumer, 64-byte events. As in bench/bus/schedule.h a
// pass first sends as many events as the ring has through it at once, and fails if one of all was lost or came out of
// order, or if the poster did not keep to four fifths of the rate in any of three tries.
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.ProducerType;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

final class LmaxLatency implements Serve.Served {
    static final long SECOND_NS = 1_000_000_000, LATE_NS = 1_000, FORGIVEN_NS = 20_000_000;
    static final int WARM_UP = LmaxBus.CAPACITY, TRIES = 3, SETTLE_MS = 2;

    // Compiles what posts and what delivers; then what sleeps and wakes, if it does.
    static final long[][] WARM = {
        {200_000, 1_000}, {200_000, 1_000}, {20_000, 10_000}, {2_000, 100_000}}; // events, gap

    private final boolean isBlocking;
    private final long gapNs;

    static final class Consumer {
        final long[] times;
        final CountDownLatch warm = new CountDownLatch(1), finished = new CountDownLatch(1);
        boolean isWrong;
        int count;

        Consumer(int events) {
            times = new long[events];
        }

        void deliver(LmaxBus.Event event) {
            final long now = System.nanoTime();

            if (event.number != count || count >= WARM_UP + times.length) {
                isWrong = true;
                return;
            }
            if (count >= WARM_UP) times[count - WARM_UP] = now - event.rest1;
            count++;
            if (count == WARM_UP) warm.countDown();
            if (count == WARM_UP + times.length) finished.countDown();
        }
    }

    // Posts to the consumer; its own figures when it has ended.
    final class Poster implements Runnable {
        private final RingBuffer<LmaxBus.IndexedEvent> ring;
        private final Consumer consumer;
        private final long gapNs;
        double rate, latePercent;
        boolean isSlow;

        Poster(RingBuffer<LmaxBus.IndexedEvent> ring, Consumer consumer, long gapNs) {
            this.ring = ring;
            this.consumer = consumer;
            this.gapNs = gapNs;
        }

        private void warmUp(LmaxBus.Event event) throws InterruptedException {
            for (; event.number < WARM_UP; event.number++) post(ring, event);
            consumer.warm.await();
            Thread.sleep(SETTLE_MS);
        }

        private void postAll(LmaxBus.Event event) {
            final int events = consumer.times.length;
            final long began = System.nanoTime(), asked = gapNs * events;
            long now = began, late = 0;

            for (int i = 0; i < events; i++, event.number++) {
                event.rest1 = began + gapNs * (i + 1);
                while ((now = System.nanoTime()) - event.rest1 < 0) Thread.onSpinWait();
                if (now - event.rest1 > LATE_NS) late++;
                post(ring, event);
            }
            now = System.nanoTime();
            rate = events / ((now - began) / 1e9);
            latePercent = 100.0 * late / events;
            isSlow = now - began > asked + asked / 4 + FORGIVEN_NS;
        }

        @Override
        public void run() {
            final LmaxBus.Event event = new LmaxBus.Event();

            try {
                warmUp(event);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            postAll(event);
        }
    }

    LmaxLatency(String name, String wait) {
        switch (name) {
            case "latency_1k": gapNs = SECOND_NS / 1_000; break;
            case "latency_100k": gapNs = SECOND_NS / 100_000; break;
            case "latency_1m": gapNs = SECOND_NS / 1_000_000; break;
            default: throw new IllegalArgumentException("no such case");
        }
        if (!wait.matches("yield|block")) throw new IllegalArgumentException("yield or block?");
        isBlocking = wait.equals("block");
    }

    private static void post(RingBuffer<LmaxBus.IndexedEvent> ring, LmaxBus.Event event) {
        final long sequence = ring.next();
        final LmaxBus.IndexedEvent slot = ring.get(sequence);

        slot.topic = 0;
        slot.copy(event);
        ring.publish(sequence);
    }

    // Of a poster that has ended, whose consumer has got all.
    private Poster pass(int events, long gapNs) throws InterruptedException {
        final Consumer consumer = new Consumer(events);
        final Consumer[][] routes = {{consumer}};
        final LmaxBus.Line<LmaxBus.IndexedEvent> line =
            new LmaxBus.Line<>(LmaxBus.IndexedEvent::new, ProducerType.SINGLE,
                LmaxBus.waitStrategy(isBlocking), (event, sequence, endOfBatch) -> {
                    for (Consumer one : routes[event.topic]) one.deliver(event);
                });
        final Poster poster = new Poster(line.ring, consumer, gapNs);

        Thread.sleep(Workload.SETTLE_MS);
        final Thread thread = Workload.DAEMONS.newThread(poster);
        thread.start();
        if (!consumer.finished.await(
                Workload.PATIENCE_S + events * gapNs / SECOND_NS, TimeUnit.SECONDS))
            throw new IllegalStateException(
                "an event was lost, or came out of order: " + consumer.count);
        thread.join();
        line.close();
        if (consumer.isWrong) throw new IllegalStateException("an event came twice");
        return poster;
    }

    @Override
    public Serve.Figures run(long events) throws InterruptedException {
        for (int i = 0; i < TRIES; i++) {
            final Poster poster = pass((int) events, gapNs);
            final long[] times = poster.consumer.times;

            if (!poster.isSlow) {
                Arrays.sort(times);
                return new Serve.Figures(events, poster.rate, times, poster.latePercent);
            }
            System.err.printf("lmax: posted %.0f events a second only%n", poster.rate);
        }
        throw new IllegalStateException("the rate was not kept");
    }

    @Override
    public void warmUp() throws InterruptedException {
        for (long[] one : WARM) pass((int) one[0], one[1]);
    }
}
