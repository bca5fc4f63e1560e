// GuavaBus.java - Guava's AsyncEventBus and EventBus (Debian: libguava-java).
//
//   java -cp ...:guava.jar GuavaBus serve bus_<P>p_16t_<S>s async EVENTS
//   java -cp ...:guava.jar GuavaBus serve sync_post_<S> sync|sync_thread_safe EVENTS
//
// `async`: AsyncEventBus on a pool of two threads. A subscriber without @AllowConcurrentEvents is serialized by Guava,
// which does not keep the order of its events; one thread would, and is slower. `sync`: EventBus.post on the poster's
// thread, one event posted again and again, to S such subscribers; nanoseconds a post. `sync_thread_safe`: they have
// @AllowConcurrentEvents.
import com.google.common.eventbus.AllowConcurrentEvents;
import com.google.common.eventbus.AsyncEventBus;
import com.google.common.eventbus.EventBus;
import com.google.common.eventbus.Subscribe;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class GuavaBus {
    static final int POOL = 2, WARM_PASSES = 4, WARM_EVENTS = 300_000;

    static final class AsyncBus implements Workload.Bus {
        private final ExecutorService pool = Executors.newFixedThreadPool(POOL, Workload.DAEMONS);
        private final EventBus bus = new AsyncEventBus(pool);
        private final long perPoster;

        AsyncBus(Workload workload) {
            perPoster = workload.perPoster;
            for (int i = 0; i < Workload.TOPICS; i++)
                for (Workload.Consumer consumer : workload.consumers[i])
                    bus.register(GuavaTopics.subscriber(i, consumer));
        }

        @Override
        public void post(int poster) {
            for (long i = 0; i < perPoster; i += Workload.TOPICS) GuavaTopics.post(bus, i, poster);
        }

        @Override
        public void close() throws InterruptedException {
            pool.shutdown();
            if (!pool.awaitTermination(Workload.PATIENCE_S, TimeUnit.SECONDS))
                throw new IllegalStateException("the pool did not end");
        }
    }

    static final class Async implements Serve.Served {
        private final String name;

        Async(String name) {
            this.name = name;
        }

        @Override
        public Serve.Figures run(long events) throws InterruptedException {
            final Workload workload = new Workload(name, events);

            return workload.run(new AsyncBus(workload));
        }

        @Override
        public void warmUp() throws InterruptedException {
            for (int i = 0; i < WARM_PASSES; i++) run(WARM_EVENTS);
        }
    }

    static class Counter {
        long count, sum;

        final void add(long number) {
            count++;
            sum += number;
        }
    }

    static final class SerializedCounter extends Counter {
        @Subscribe
        public void deliver(GuavaTopics.Event0 event) {
            add(event.number);
        }
    }

    static final class ThreadSafeCounter extends Counter {
        @Subscribe
        @AllowConcurrentEvents
        public void deliver(GuavaTopics.Event0 event) {
            add(event.number);
        }
    }

    static final class Sync implements Serve.Served {
        private final int subscribers;
        private final boolean isThreadSafe;

        Sync(String name, boolean isThreadSafe) {
            final Matcher matcher = Pattern.compile("sync_post_(\\d+)(_.*)?").matcher(name);

            if (!matcher.matches()) throw new IllegalArgumentException("no such case");
            subscribers = Integer.parseInt(matcher.group(1));
            this.isThreadSafe = isThreadSafe;
        }

        private static long post(EventBus bus, long events) {
            final GuavaTopics.Event0 event = new GuavaTopics.Event0(0, 0);
            final long began = System.nanoTime();

            for (long i = 0; i < events; i++) {
                event.number = i;
                bus.post(event);
            }
            return System.nanoTime() - began;
        }

        @Override
        public Serve.Figures run(long events) {
            final EventBus bus = new EventBus();
            final Counter[] counters = new Counter[subscribers];

            for (int i = 0; i < subscribers; i++) {
                counters[i] = isThreadSafe ? new ThreadSafeCounter() : new SerializedCounter();
                bus.register(counters[i]);
            }
            final long time = post(bus, events);
            for (Counter counter : counters)
                if (counter.count != events || counter.sum != events * (events - 1) / 2)
                    throw new IllegalStateException("a subscriber missed events");
            return new Serve.Figures(events, (double) time / events, null, 0);
        }

        @Override
        public void warmUp() {
            for (int i = 0; i < WARM_PASSES; i++) run(WARM_EVENTS);
        }
    }

    static Serve.Served find(String name, String wait) {
        switch (wait) {
            case "async": return new Async(name);
            case "sync":
            case "sync_thread_safe": return new Sync(name, wait.equals("sync_thread_safe"));
            default: throw new IllegalArgumentException("async, sync or sync_thread_safe?");
        }
    }

    public static void main(String[] arguments) {
        Serve.main("guava", GuavaBus::find, arguments);
    }
}
