// LmaxBus.java - what users of LMAX Disruptor (Debian: libdisruptor-java) build for a bus: one ring, and one processor
// that dispatches each event to the consumers of its topic.
//
//   java -cp ...:disruptor.jar LmaxBus serve bus_<P>p_16t_<S>s WAIT EVENTS
//   java -cp ...:disruptor.jar LmaxBus serve latency_<RATE> yield|block EVENTS
//
// WAIT: `handle`, the event carries the topic's index; `hashmap`, it carries the topic's name, which the processor
// looks up in a HashMap. One poster is ProducerType.SINGLE, more are MULTI; with `_multi` appended one is, too. The
// processor yields; with `_block` appended it blocks.
import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class LmaxBus {
    static final int CAPACITY = 1 << 16, WARM_PASSES = 4, WARM_EVENTS = 500_000;

    static class Event {
        long number, rest1, rest2, rest3, rest4, rest5, rest6, rest7;

        final void copy(Event from) {
            number = from.number;
            rest1 = from.rest1;
            rest2 = from.rest2;
            rest3 = from.rest3;
            rest4 = from.rest4;
            rest5 = from.rest5;
            rest6 = from.rest6;
            rest7 = from.rest7;
        }
    }

    static final class IndexedEvent extends Event {
        int topic;
    }

    static final class NamedEvent extends Event {
        String topic;
    }

    // A ring with one processor's thread.
    static final class Line<E extends Event> {
        final RingBuffer<E> ring;
        private final Disruptor<E> disruptor;
        private Thread thread;

        Line(EventFactory<E> factory, ProducerType type, WaitStrategy wait,
            EventHandler<E> handler) {
            final ThreadFactory threads = run -> thread = Workload.DAEMONS.newThread(run);

            disruptor = new Disruptor<>(factory, CAPACITY, threads, type, wait);
            disruptor.handleEventsWith(handler);
            ring = disruptor.start();
        }

        void close() throws InterruptedException {
            disruptor.halt();
            thread.join();
        }
    }

    static final class IndexBus implements Workload.Bus {
        private final Line<IndexedEvent> line;
        private final long perPoster;

        IndexBus(Workload workload, ProducerType type, WaitStrategy wait) {
            final Workload.Consumer[][] routes = workload.consumers;

            perPoster = workload.perPoster;
            line = new Line<>(IndexedEvent::new, type, wait, (event, sequence, endOfBatch) -> {
                for (Workload.Consumer consumer : routes[event.topic])
                    consumer.deliver(event.number);
            });
        }

        private static void post(RingBuffer<IndexedEvent> ring, int topic, Event event) {
            final long sequence = ring.next();
            final IndexedEvent slot = ring.get(sequence);

            slot.topic = topic;
            slot.copy(event);
            ring.publish(sequence);
        }

        @Override
        public void post(int poster) {
            final Event event = new Event();

            event.rest1 = poster;
            for (long i = 0; i < perPoster; i++) {
                event.number = i;
                post(line.ring, (int) (i % Workload.TOPICS), event);
            }
        }

        @Override
        public void close() throws InterruptedException {
            line.close();
        }
    }

    static final class NameBus implements Workload.Bus {
        private final Line<NamedEvent> line;
        private final String[] names = new String[Workload.TOPICS];
        private final long perPoster;

        NameBus(Workload workload, ProducerType type, WaitStrategy wait) {
            final Map<String, Workload.Consumer[]> routes = new HashMap<>();

            for (int i = 0; i < names.length; i++) {
                names[i] = "topic." + i;
                routes.put(names[i], workload.consumers[i]);
            }
            perPoster = workload.perPoster;
            line = new Line<>(NamedEvent::new, type, wait, (event, sequence, endOfBatch) -> {
                for (Workload.Consumer consumer : routes.get(event.topic))
                    consumer.deliver(event.number);
            });
        }

        private static void post(RingBuffer<NamedEvent> ring, String topic, Event event) {
            final long sequence = ring.next();
            final NamedEvent slot = ring.get(sequence);

            slot.topic = topic;
            slot.copy(event);
            ring.publish(sequence);
        }

        @Override
        public void post(int poster) {
            final Event event = new Event();

            event.rest1 = poster;
            for (long i = 0; i < perPoster; i++) {
                event.number = i;
                post(line.ring, names[(int) (i % Workload.TOPICS)], event);
            }
        }

        @Override
        public void close() throws InterruptedException {
            line.close();
        }
    }

    static final class Stream implements Serve.Served {
        private final String name;
        private final boolean isNamed, isMulti, isBlocking;

        Stream(String name, String wait) {
            final Matcher matcher =
                Pattern.compile("(handle|hashmap)(_multi)?(_block)?").matcher(wait);

            if (!matcher.matches()) throw new IllegalArgumentException("handle or hashmap?");
            this.name = name;
            isNamed = matcher.group(1).equals("hashmap");
            isMulti = matcher.group(2) != null;
            isBlocking = matcher.group(3) != null;
        }

        @Override
        public Serve.Figures run(long events) throws InterruptedException {
            final Workload workload = new Workload(name, events);
            final ProducerType type =
                isMulti || workload.posters > 1 ? ProducerType.MULTI : ProducerType.SINGLE;
            final WaitStrategy wait = waitStrategy(isBlocking);

            return workload.run(
                isNamed ? new NameBus(workload, type, wait) : new IndexBus(workload, type, wait));
        }

        @Override
        public void warmUp() throws InterruptedException {
            for (int i = 0; i < WARM_PASSES; i++) run(WARM_EVENTS);
        }
    }

    static WaitStrategy waitStrategy(boolean isBlocking) {
        return isBlocking ? new BlockingWaitStrategy() : new YieldingWaitStrategy();
    }

    static Serve.Served find(String name, String wait) {
        return name.startsWith("latency_") ? new LmaxLatency(name, wait) : new Stream(name, wait);
    }

    public static void main(String[] arguments) {
        Serve.main("lmax", LmaxBus::find, arguments);
    }
}
