/* moodycamel.cc - moodycamel::ConcurrentQueue: events by value, a token for each poster and for the one thread that
 * takes them in bulk and calls the consumers. The queue grows: it has no bound that several posters share. `yield` looks
 * again and gives the core away; `block` is its BlockingConcurrentQueue, which sleeps. Its usual blocks: larger ones,
 * and such as are all made before, are not faster. */
#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/concurrentqueue.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#define _Alignas alignas
extern "C" {
#include "entry.h"
}

namespace
{

/* Moved member by member, so that it is written once, in its place in the queue: as an aggregate it is first made on
 * the stack, and copied from there by wider loads than it was stored by, which takes two to three times as long. */
struct Entry {
    int topic;
    workload_event event;

    Entry() = default;

    Entry(int number_of_topic, uint64_t number, uint64_t poster) noexcept
        : topic(number_of_topic), event{number, {poster}}
    {
    }

    Entry(Entry &&other) noexcept : topic(other.topic)
    {
        event.number = other.event.number;
        for (std::size_t i = 0; i < sizeof event.rest / sizeof *event.rest; i++)
            event.rest[i] = other.event.rest[i];
    }

    Entry &operator=(Entry &&) noexcept = default;
};

using Plain = moodycamel::ConcurrentQueue<Entry>;
using Blocking = moodycamel::BlockingConcurrentQueue<Entry>;

std::size_t
take(Plain &queue, moodycamel::ConsumerToken &token, Entry *entries)
{
    std::size_t count = 0;
    unsigned looks = 0;

    while ((count = queue.try_dequeue_bulk(token, entries, ENTRY_RUN)) == 0)
        entry_idle(&looks);
    return count;
}

std::size_t
take(Blocking &queue, moodycamel::ConsumerToken &token, Entry *entries)
{
    return queue.wait_dequeue_bulk(token, entries, ENTRY_RUN);
}

template <class Queue> class Line
{
  public:
    explicit Line(const workload &workload)
        : queue_(ENTRY_CAPACITY, static_cast<std::size_t>(workload.posters), 0),
          thread_(&Line::dispatch, this, workload.events, workload.consumers)
    {
    }

    ~Line()
    {
        thread_.join();
    }

    void post(const workload &workload, int poster)
    {
        moodycamel::ProducerToken token(queue_);

        for (uint64_t i = 0; i < workload.per_poster; i++)
            if (!queue_.enqueue(token,
                    Entry(static_cast<int>(i % WORKLOAD_TOPICS), i, static_cast<uint64_t>(poster))))
                std::abort();
    }

  private:
    void dispatch(uint64_t left, int consumers)
    {
        moodycamel::ConsumerToken token(queue_);
        Entry entries[ENTRY_RUN];

        while (left > 0) {
            const std::size_t count = take(queue_, token, entries);

            for (std::size_t i = 0; i < count; i++)
                for (int k = 0; k < consumers; k++)
                    workload_deliver(&workload_consumers[entries[i].topic][k], &entries[i].event);
            left -= count;
        }
    }

    Queue queue_;
    std::thread thread_;
};

std::unique_ptr<Line<Plain>> plain;
std::unique_ptr<Line<Blocking>> blocking;

bool
line_open(const workload *workload)
{
    if (workload->is_by_name)
        return false;
    if (std::strcmp(workload->wait, "block") == 0)
        blocking = std::make_unique<Line<Blocking>>(*workload);
    else
        plain = std::make_unique<Line<Plain>>(*workload);
    return true;
}

void
line_post(const workload *workload, int poster)
{
    if (plain)
        plain->post(*workload, poster);
    else
        blocking->post(*workload, poster);
}

void
line_close()
{
    plain.reset();
    blocking.reset();
}

} // namespace

int
main(int argc, char **argv)
{
    static const bus_system system = {"moodycamel", line_open, line_post, line_close};

    return workload_main(argc, argv, &system);
}
