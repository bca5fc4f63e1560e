// LmaxLatency.java - how late events come through an LMAX Disruptor at a steady rate, without coordinated omission: the
// poster keeps to an absolute schedule and leaves out no event that is late; an event carries the time it was due at,
// and the consumer notes what has passed since. One topic, one consumer, 64-byte events.
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.ProducerType;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

final class LmaxLatency implements Serve.Served {
    static final long SECOND_NS = 1_000_000_000, LEAD_NS = 1_000_000;

    // Compiles what posts and what delivers; then what sleeps and wakes, if it does.
    static final long[][] WARM = {
        {200_000, 1_000}, {200_000, 1_000}, {20_000, 10_000}, {2_000, 100_000}}; // events, gap

    private final boolean isBlocking;
    private final long gapNs;

    static final class Consumer {
        final long[] times;
        final CountDownLatch finished = new CountDownLatch(1);
        long sum;
        int count;

        Consumer(int events) {
            times = new long[events];
        }

        void deliver(LmaxBus.Event event) {
            times[count] = System.nanoTime() - event.rest1;
            sum += event.number;
            if (++count == times.length) finished.countDown();
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

    private static void post(RingBuffer<LmaxBus.IndexedEvent> ring, int events, long gapNs) {
        final LmaxBus.Event event = new LmaxBus.Event();
        final long began = System.nanoTime() + LEAD_NS;

        for (int i = 0; i < events; i++) {
            event.number = i;
            event.rest1 = began + i * gapNs;
            while (System.nanoTime() - event.rest1 < 0) continue;
            post(ring, event);
        }
    }

    private Consumer pass(int events, long gapNs) throws InterruptedException {
        final Consumer consumer = new Consumer(events);
        final Consumer[][] routes = {{consumer}};
        final LmaxBus.Line<LmaxBus.IndexedEvent> line =
            new LmaxBus.Line<>(LmaxBus.IndexedEvent::new, ProducerType.SINGLE,
                LmaxBus.waitStrategy(isBlocking), (event, sequence, endOfBatch) -> {
                    for (Consumer one : routes[event.topic]) one.deliver(event);
                });

        Thread.sleep(Workload.SETTLE_MS);
        final Thread poster = Workload.DAEMONS.newThread(() -> post(line.ring, events, gapNs));
        poster.start();
        if (!consumer.finished.await(
                Workload.PATIENCE_S + events * gapNs / SECOND_NS, TimeUnit.SECONDS))
            throw new IllegalStateException(consumer.count + " of " + events + " events came");
        poster.join();
        line.close();
        return consumer;
    }

    @Override
    public Serve.Figures run(long events) throws InterruptedException {
        final Consumer consumer = pass((int) events, gapNs);

        if (consumer.count != events || consumer.sum != events * (events - 1) / 2)
            throw new IllegalStateException("wrong sum");
        Arrays.sort(consumer.times);
        return new Serve.Figures(0, consumer.times);
    }

    @Override
    public void warmUp() throws InterruptedException {
        for (long[] one : WARM) pass((int) one[0], one[1]);
    }
}
