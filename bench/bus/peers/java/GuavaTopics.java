// GuavaTopics.java - 16 classes of events, which stand for 16 topics as Guava routes by class, and the 16 classes of
// their subscribers. The events have 64 bytes each and no class in common: Guava would look for its subscribers, too.
import com.google.common.eventbus.EventBus;
import com.google.common.eventbus.Subscribe;

final class GuavaTopics {
    static class Subscriber {
        final Workload.Consumer consumer;

        Subscriber(Workload.Consumer consumer) {
            this.consumer = consumer;
        }
    }

    static final class Event0 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event0(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber0 extends Subscriber {
        Subscriber0(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event0 event) { consumer.deliver(event.number); }
    }

    static final class Event1 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event1(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber1 extends Subscriber {
        Subscriber1(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event1 event) { consumer.deliver(event.number); }
    }

    static final class Event2 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event2(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber2 extends Subscriber {
        Subscriber2(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event2 event) { consumer.deliver(event.number); }
    }

    static final class Event3 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event3(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber3 extends Subscriber {
        Subscriber3(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event3 event) { consumer.deliver(event.number); }
    }

    static final class Event4 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event4(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber4 extends Subscriber {
        Subscriber4(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event4 event) { consumer.deliver(event.number); }
    }

    static final class Event5 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event5(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber5 extends Subscriber {
        Subscriber5(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event5 event) { consumer.deliver(event.number); }
    }

    static final class Event6 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event6(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber6 extends Subscriber {
        Subscriber6(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event6 event) { consumer.deliver(event.number); }
    }

    static final class Event7 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event7(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber7 extends Subscriber {
        Subscriber7(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event7 event) { consumer.deliver(event.number); }
    }

    static final class Event8 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event8(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber8 extends Subscriber {
        Subscriber8(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event8 event) { consumer.deliver(event.number); }
    }

    static final class Event9 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event9(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber9 extends Subscriber {
        Subscriber9(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event9 event) { consumer.deliver(event.number); }
    }

    static final class Event10 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event10(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber10 extends Subscriber {
        Subscriber10(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event10 event) { consumer.deliver(event.number); }
    }

    static final class Event11 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event11(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber11 extends Subscriber {
        Subscriber11(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event11 event) { consumer.deliver(event.number); }
    }

    static final class Event12 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event12(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber12 extends Subscriber {
        Subscriber12(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event12 event) { consumer.deliver(event.number); }
    }

    static final class Event13 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event13(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber13 extends Subscriber {
        Subscriber13(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event13 event) { consumer.deliver(event.number); }
    }

    static final class Event14 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event14(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber14 extends Subscriber {
        Subscriber14(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event14 event) { consumer.deliver(event.number); }
    }

    static final class Event15 {
        long number, poster, rest2, rest3, rest4, rest5, rest6, rest7;
        Event15(long n, long p) { number = n; poster = p; }
    }
    static final class Subscriber15 extends Subscriber {
        Subscriber15(Workload.Consumer consumer) { super(consumer); }
        @Subscribe public void deliver(Event15 event) { consumer.deliver(event.number); }
    }

    static Subscriber subscriber(int topic, Workload.Consumer consumer) {
        switch (topic) {
            case 0: return new Subscriber0(consumer);
            case 1: return new Subscriber1(consumer);
            case 2: return new Subscriber2(consumer);
            case 3: return new Subscriber3(consumer);
            case 4: return new Subscriber4(consumer);
            case 5: return new Subscriber5(consumer);
            case 6: return new Subscriber6(consumer);
            case 7: return new Subscriber7(consumer);
            case 8: return new Subscriber8(consumer);
            case 9: return new Subscriber9(consumer);
            case 10: return new Subscriber10(consumer);
            case 11: return new Subscriber11(consumer);
            case 12: return new Subscriber12(consumer);
            case 13: return new Subscriber13(consumer);
            case 14: return new Subscriber14(consumer);
            case 15: return new Subscriber15(consumer);
            default: throw new IllegalArgumentException("no such topic");
        }
    }

    // One event to each topic.
    static void post(EventBus bus, long first, long poster) {
        bus.post(new Event0(first, poster));
        bus.post(new Event1(first + 1, poster));
        bus.post(new Event2(first + 2, poster));
        bus.post(new Event3(first + 3, poster));
        bus.post(new Event4(first + 4, poster));
        bus.post(new Event5(first + 5, poster));
        bus.post(new Event6(first + 6, poster));
        bus.post(new Event7(first + 7, poster));
        bus.post(new Event8(first + 8, poster));
        bus.post(new Event9(first + 9, poster));
        bus.post(new Event10(first + 10, poster));
        bus.post(new Event11(first + 11, poster));
        bus.post(new Event12(first + 12, poster));
        bus.post(new Event13(first + 13, poster));
        bus.post(new Event14(first + 14, poster));
        bus.post(new Event15(first + 15, poster));
    }
}
