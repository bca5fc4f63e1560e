// Serve.java - a program in Java that takes part in contests, as bench/serve.h has it for C.
//
//   java -cp ... SYSTEM serve CASE WAIT EVENTS         each line read is answered with the figures of one pass
//   java -cp ... SYSTEM run CASE WAIT EVENTS [PASSES]  passes without a contest
//
// One case a JVM, so that call sites stay monomorphic; it has warmed up before it reads the first line. A pass begins
// with the garbage of the one before collected. One that fails says so on stderr and ends the program with 1.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Locale;

final class Serve {
    static final int USUAL_PASSES = 3;

    // What a pass of so many events came to: `value` events a second or nanoseconds; `times` in nanoseconds, sorted;
    // `late` percent of the posts that began late. Absent: null, 0.
    static final class Figures {
        final long events;
        final double value, late;
        final long[] times;

        Figures(long events, double value, long[] times, double late) {
            this.events = events;
            this.value = value;
            this.times = times;
            this.late = late;
        }
    }

    // A case, and how the system waits in it.
    interface Served {
        Figures run(long events) throws Exception;

        void warmUp() throws Exception;
    }

    interface Cases {
        // Throws IllegalArgumentException if there is no such case or way to wait.
        Served find(String name, String wait);
    }

    static String percentiles(long[] times) {
        final String[] names = {"p50", "p90", "p99", "p999", "p9999"};
        final double[] parts = {.5, .9, .99, .999, .9999};
        final StringBuilder text = new StringBuilder();

        for (int i = 0; i < names.length; i++)
            text.append(",\"" + names[i] + "\":" + times[(int) (parts[i] * times.length)]);
        return text.append(",\"max\":" + times[times.length - 1]).toString();
    }

    static void print(String system, String[] arguments, Figures figures) {
        String line = String.format("{\"system\":\"%s\",\"case\":\"%s\",\"wait\":\"%s\"", system,
            arguments[1], arguments[2]);

        line += ",\"events\":" + figures.events;
        if (figures.value > 0) line += String.format(Locale.ROOT, ",\"value\":%.3f", figures.value);
        if (figures.times != null) line += percentiles(figures.times);
        if (figures.late > 0) line += String.format(Locale.ROOT, ",\"late\":%.6f", figures.late);
        System.out.println(line + "}");
        System.out.flush();
    }

    static void serve(String name, Cases cases, String[] arguments) throws Exception {
        final boolean isServing = arguments[0].equals("serve");
        final long events = Long.parseLong(arguments[3]);
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        final Served served = cases.find(arguments[1], arguments[2]);
        int passes = arguments.length > 4 ? Integer.parseInt(arguments[4]) : USUAL_PASSES;

        served.warmUp();
        while (isServing ? in.readLine() != null : passes-- > 0) {
            System.gc();
            print(name, arguments, served.run(events));
        }
    }

    static void main(String name, Cases cases, String[] arguments) {
        if (arguments.length < 4 || !arguments[0].matches("serve|run")) {
            System.err.println(name + ": see bench/serve.h for the arguments");
            System.exit(2);
        }
        try {
            serve(name, cases, arguments);
        } catch (IllegalArgumentException e) {
            System.err.println(name + ": " + e.getMessage());
            System.exit(2);
        } catch (Exception e) {
            System.err.println(name + ": " + arguments[1] + ": the pass failed: " + e);
            System.exit(1);
        }
    }
}
