// RingBench.java - LMAX Disruptor (Debian: libdisruptor-java) in the ring shapes of bench/shape.h: same events, same
// capacity, same steps, sums checked; from the first claim to the last event a handler has finished.
//
//   java -cp ...:disruptor.jar RingBench serve CASE WAIT EVENTS
//
// One case a JVM, so that call sites stay monomorphic as in LMAX's own tests. After some passes to warm up, one pass and
// one line of JSON for each line on the standard input. WAIT: busy_spin, yield, sleep, block.
import com.lmax.disruptor.*;
import com.lmax.disruptor.dsl.*;
import java.io.*;
import java.util.*;
import java.util.concurrent.*;

public final class RingBench {
    static final int CAPACITY = 1 << 16, PING_CAPACITY = 1 << 10, WARM_PASSES = 4;
    static final long SETTLE_MS = 5, PING_GAP_NS = 1000;

    static class ValueEvent {
        long value;
    }

    static final class NotedEvent extends ValueEvent { // 32 bytes, as ours with its header has 24
        int one, two;
    }

    enum Step { SUM, ONE, TWO, LAST, FIZZ, BUZZ, FIZZBUZZ }

    static class Padding {
        long p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;
    }

    abstract static class Reader extends Padding implements EventHandler<ValueEvent> {
        long sum, last, ended;
        final CountDownLatch done = new CountDownLatch(1);

        final void end() {
            ended = System.nanoTime();
            done.countDown();
        }
    }

    static final class SumReader extends Reader {
        long q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

        @Override
        public void onEvent(ValueEvent event, long sequence, boolean endOfBatch) {
            sum += event.value;
            if (sequence == last) end();
        }
    }

    // One class for all steps, like LMAX's FizzBuzzEventHandler: three would make the processor's call megamorphic.
    static final class StepReader extends Reader {
        final Step step;
        long q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

        StepReader(Step step) {
            this.step = step;
        }

        @Override
        public void onEvent(ValueEvent event, long sequence, boolean endOfBatch) {
            final NotedEvent noted = (NotedEvent) event;
            switch (step) {
                case ONE: sum += noted.one = (int) noted.value + 1; break;
                case TWO: sum += noted.two = noted.one + 1; break;
                case LAST: sum += noted.two; break;
                case FIZZ: sum += noted.one = noted.value % 3 == 0 ? 1 : 0; break;
                case BUZZ: sum += noted.two = noted.value % 5 == 0 ? 1 : 0; break;
                case FIZZBUZZ: sum += noted.one & noted.two; break;
                default: throw new IllegalStateException();
            }
            if (sequence == last) end();
        }
    }

    static long expected(Step step, int producers, long events) {
        final long n = events / producers, all = producers * (n * (n - 1) / 2);
        switch (step) {
            case ONE: return all + n;
            case TWO:
            case LAST: return all + 2 * n;
            case FIZZ: return (n + 2) / 3;
            case BUZZ: return (n + 4) / 5;
            case FIZZBUZZ: return (n + 14) / 15;
            default: return all;
        }
    }

    static WaitStrategy waitStrategy(String name) {
        switch (name) {
            case "busy_spin": return new BusySpinWaitStrategy();
            case "yield": return new YieldingWaitStrategy();
            case "sleep": return new SleepingWaitStrategy();
            case "block": return new BlockingWaitStrategy();
            default: throw new IllegalArgumentException(name);
        }
    }

    // Keeps the threads, to be sure that none of a pass is left in the next one.
    static final class Threads implements ThreadFactory {
        final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());

        @Override
        public Thread newThread(Runnable run) {
            final Thread thread = new Thread(run);
            thread.setDaemon(true);
            threads.add(thread);
            return thread;
        }

        void join() throws InterruptedException {
            for (Thread thread : threads) thread.join();
        }
    }

    static Disruptor<ValueEvent> open(String shape, String wait, int capacity, Threads threads) {
        final boolean isNoted = shape.equals("pipeline3") || shape.equals("diamond");
        final EventFactory<ValueEvent> factory = isNoted ? NotedEvent::new : ValueEvent::new;
        final ProducerType type = shape.equals("3p1c") ? ProducerType.MULTI : ProducerType.SINGLE;
        return new Disruptor<>(factory, capacity, threads, type, waitStrategy(wait));
    }

    static Step[] steps(String shape) {
        switch (shape) {
            case "1p1c":
            case "1p1c_batch10":
            case "3p1c": return new Step[] {Step.SUM};
            case "1p3c": return new Step[] {Step.SUM, Step.SUM, Step.SUM};
            case "pipeline3": return new Step[] {Step.ONE, Step.TWO, Step.LAST};
            case "diamond": return new Step[] {Step.FIZZ, Step.BUZZ, Step.FIZZBUZZ};
            default: throw new IllegalArgumentException(shape);
        }
    }

    static void connect(Disruptor<ValueEvent> disruptor, String shape, Reader[] r) {
        if (shape.equals("pipeline3")) disruptor.handleEventsWith(r[0]).then(r[1]).then(r[2]);
        else if (shape.equals("diamond")) disruptor.handleEventsWith(r[0], r[1]).then(r[2]);
        else disruptor.handleEventsWith(r);
    }

    static void publish(RingBuffer<ValueEvent> ring, long events) {
        for (long i = 0; i < events; i++) {
            final long next = ring.next();
            ring.get(next).value = i;
            ring.publish(next);
        }
    }

    static void publishBatches(RingBuffer<ValueEvent> ring, long events, int batch) {
        for (long i = 0; i < events; i += batch) {
            final long high = ring.next(batch), low = high - (batch - 1);
            for (long sequence = low, value = i; sequence <= high; sequence++, value++)
                ring.get(sequence).value = value;
            ring.publish(low, high);
        }
    }

    // One pass: events a second.
    static double stream(String shape, String wait, long events) throws Exception {
        final Threads threads = new Threads();
        final Disruptor<ValueEvent> disruptor = open(shape, wait, CAPACITY, threads);
        final Step[] steps = steps(shape);
        final Reader[] readers = new Reader[steps.length];
        final int producers = shape.equals("3p1c") ? 3 : 1;
        for (int i = 0; i < steps.length; i++) {
            readers[i] = steps[i] == Step.SUM ? new SumReader() : new StepReader(steps[i]);
            readers[i].last = events - 1;
        }
        connect(disruptor, shape, readers);
        final RingBuffer<ValueEvent> ring = disruptor.start();
        Thread.sleep(SETTLE_MS);
        final CyclicBarrier go = new CyclicBarrier(producers);
        final long[] began = new long[producers];
        final Thread[] publishers = new Thread[producers];
        for (int p = 0; p < producers; p++) {
            final int me = p;
            publishers[p] = new Thread(() -> {
                try {
                    go.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                began[me] = System.nanoTime();
                if (shape.endsWith("batch10")) publishBatches(ring, events / producers, 10);
                else publish(ring, events / producers);
            });
            publishers[p].start();
        }
        for (Thread publisher : publishers) publisher.join();
        long ended = Long.MIN_VALUE, first = Long.MAX_VALUE;
        for (int i = 0; i < readers.length; i++) {
            readers[i].done.await();
            ended = Math.max(ended, readers[i].ended);
            if (readers[i].sum != expected(steps[i], producers, events)) throw new IllegalStateException("wrong sum");
        }
        for (long time : began) first = Math.min(first, time);
        disruptor.halt();
        threads.join();
        return events / ((ended - first) / 1e9);
    }

    // Round trips a microsecond apart, in ns, sorted.
    static long[] ping(String wait, long events) throws Exception {
        final Threads threads = new Threads();
        final Disruptor<ValueEvent> ping = open("pingpong", wait, PING_CAPACITY, threads);
        final Disruptor<ValueEvent> pong = open("pingpong", wait, PING_CAPACITY, threads);
        final RingBuffer<ValueEvent> pingRing = ping.getRingBuffer(), pongRing = pong.getRingBuffer();
        final long[] times = new long[(int) events], sent = new long[32];
        final CountDownLatch done = new CountDownLatch(1);
        ping.handleEventsWith((event, sequence, endOfBatch) -> {
            final long next = pongRing.next();
            pongRing.get(next).value = event.value;
            pongRing.publish(next);
        });
        pong.handleEventsWith((event, sequence, endOfBatch) -> {
            final long now = System.nanoTime();
            times[(int) event.value] = now - sent[16];
            if (event.value + 1 == events) {
                done.countDown();
                return;
            }
            while (System.nanoTime() - now < PING_GAP_NS) continue;
            sent[16] = System.nanoTime();
            final long next = pingRing.next();
            pingRing.get(next).value = event.value + 1;
            pingRing.publish(next);
        });
        ping.start();
        pong.start();
        Thread.sleep(SETTLE_MS);
        sent[16] = System.nanoTime();
        final long next = pingRing.next();
        pingRing.get(next).value = 0;
        pingRing.publish(next);
        done.await();
        ping.halt();
        pong.halt();
        threads.join();
        Arrays.sort(times);
        return times;
    }

    static String pass(String name, String wait, long events) throws Exception {
        final String shape = name.replaceFirst("^ring_", "").replaceFirst("_block$", "");
        final String head = String.format("{\"system\":\"lmax\",\"case\":\"%s\",\"wait\":\"%s\",\"events\":%d,", name, wait, events);
        System.gc();
        if (!shape.equals("pingpong")) return head + String.format("\"value\":%.0f}", stream(shape, wait, events));
        final long[] times = ping(wait, events);
        return head + String.format("\"p50\":%d,\"p99\":%d,\"p999\":%d}", times[(int) (.5 * events)],
            times[(int) (.99 * events)], times[(int) (.999 * events)]);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 4 || !arguments[0].equals("serve")) throw new IllegalArgumentException("serve CASE WAIT EVENTS");
        final long events = Long.parseLong(arguments[3]);
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (int i = 0; i < WARM_PASSES; i++) pass(arguments[1], arguments[2], events / 120 * 30);
        while (in.readLine() != null) {
            System.out.println(pass(arguments[1], arguments[2], events));
            System.out.flush();
        }
    }
}
