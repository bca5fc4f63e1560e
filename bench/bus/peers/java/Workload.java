// Workload.java - the canonical work of a bus, the same as bench/bus/workload.h: 64-byte events over 16 topics round
// robin, so many posters, so many serialized consumers of each topic; from the first post to the last delivery. What
// has to arrive is counted and summed for each consumer.
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

final class Workload {
    static final int TOPICS = 16;
    static final long SETTLE_MS = 5, PATIENCE_S = 20;
    static final ThreadFactory DAEMONS = run -> {
        final Thread thread = new Thread(run);

        thread.setDaemon(true);
        return thread;
    };

    // Opened before the time begins, closed after it has ended.
    interface Bus {
        // All the poster's events, on its thread.
        void post(int poster);

        // Waits for its threads.
        void close() throws InterruptedException;
    }

    static class Padding {
        long p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16;
    }

    static class Counts extends Padding {
        long left, sum;
    }

    // What one consumer got; called by one thread at a time.
    final class Consumer extends Counts {
        long q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16;

        void deliver(long number) {
            sum += number;
            if (--left == 0) finish();
        }
    }

    final int posters;
    final long events, perPoster; // perPoster: a multiple of TOPICS
    final Consumer[][] consumers; // of each topic

    private final AtomicInteger unfinished;
    private final CountDownLatch finished = new CountDownLatch(1);
    private long ended;

    Workload(String name, long events) {
        final Matcher matcher = Pattern.compile("bus_(\\d+)p_16t_(\\d+)s(_byname)?").matcher(name);

        if (!matcher.matches()) throw new IllegalArgumentException("no such case");
        posters = Integer.parseInt(matcher.group(1));
        perPoster = events / posters / TOPICS * TOPICS;
        this.events = perPoster * posters;
        if (this.events == 0) throw new IllegalArgumentException("too few events");
        consumers = new Consumer[TOPICS][Integer.parseInt(matcher.group(2))];
        unfinished = new AtomicInteger(TOPICS * consumers[0].length);
        for (Consumer[] some : consumers)
            for (int k = 0; k < some.length; k++) {
                some[k] = new Consumer();
                some[k].left = this.events / TOPICS;
            }
    }

    private void finish() {
        if (unfinished.decrementAndGet() != 0) return;
        ended = System.nanoTime();
        finished.countDown();
    }

    private void check() {
        final long n = perPoster / TOPICS;

        for (int i = 0; i < TOPICS; i++)
            for (Consumer consumer : consumers[i]) {
                final long sum = posters * (n * i + TOPICS * (n * (n - 1) / 2));

                if (consumer.left != 0 || consumer.sum != sum)
                    throw new IllegalStateException("topic " + i + ": " + consumer.left
                        + " events left, sum " + consumer.sum + " instead of " + sum);
            }
    }

    private Thread[] startPosters(Bus bus, long[] began) {
        final CyclicBarrier go = new CyclicBarrier(posters);
        final Thread[] threads = new Thread[posters];

        for (int i = 0; i < posters; i++) {
            final int me = i;

            threads[i] = DAEMONS.newThread(() -> {
                try {
                    go.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                began[me] = System.nanoTime();
                bus.post(me);
            });
            threads[i].start();
        }
        return threads;
    }

    // Events posted a second.
    Serve.Figures run(Bus bus) throws InterruptedException {
        final long[] began = new long[posters];
        long first = Long.MAX_VALUE;

        Thread.sleep(SETTLE_MS);
        final Thread[] threads = startPosters(bus, began);
        if (!finished.await(PATIENCE_S, TimeUnit.SECONDS)) {
            check(); // says what is missing
            throw new IllegalStateException("too slow");
        }
        for (Thread thread : threads) thread.join();
        bus.close();
        check();
        for (long time : began) first = Math.min(first, time);
        return new Serve.Figures(events, events / ((ended - first) / 1e9), null, 0);
    }
}
