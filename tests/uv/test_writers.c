/* test_writers.c - on_writable with several callbacks: their order, who waits on, and what becomes of them at the end. */
#include "uv/two_loops.h"

/* ---- several callbacks ---- */

struct writer {
    struct scene *scene;
    uint32_t number;
    uint32_t fills;  /* times it fills the ring of "other" again when it is called */
    uint32_t *order; /* of all calls */
    uint32_t *call_count;
    bool asks_again;
};

static void
on_writable(void *context)
{
    struct writer *writer = context;

    writer->order[(*writer->call_count)++] = writer->number;
    if (writer->fills > 0) {
        writer->fills--;
        fill(writer->scene, "other");
    }
    if (writer->asks_again) {
        writer->asks_again = false;
        ask(writer->scene, on_writable, writer);
    }
}

struct writers {
    uint32_t order[16];
    uint32_t call_count;
    struct writer all[4];
};

static void
ask_four_times(struct scene *scene, struct writers *writers)
{
    memset(writers, 0, sizeof *writers);
    for (uint32_t i = 0; i < 4; i++) {
        writers->all[i] = (struct writer){.scene = scene,
            .number = i,
            .order = writers->order,
            .call_count = &writers->call_count};
        ask(scene, on_writable, &writers->all[i]);
    }
}

START_TEST(callbacks_are_called_in_the_order_they_were_asked_for)
{
    struct scene scene;
    struct writers writers;

    scene_open(&scene);
    fill(&scene, "other");
    ask_four_times(&scene, &writers);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 0);
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(writers.order[i], i);
    scene_close(&scene);
}
END_TEST

START_TEST(when_one_is_refused_again_those_behind_it_wait_on_in_order)
{
    struct scene scene;
    struct writers writers;

    scene_open(&scene);
    fill(&scene, "other");
    ask_four_times(&scene, &writers);
    writers.all[1].fills = 1;
    writers.all[1].asks_again = true;
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 2);
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 5);
    ck_assert_uint_eq(writers.order[2], 2);
    ck_assert_uint_eq(writers.order[3], 3);
    ck_assert_uint_eq(writers.order[4], 1); /* asked again, behind the others */
    scene_close(&scene);
}
END_TEST

START_TEST(a_callback_asked_for_in_a_callback_comes_in_the_next_turn)
{
    struct scene scene;
    struct writers writers;

    scene_open(&scene);
    ask_four_times(&scene, &writers);
    writers.all[3].asks_again = true;
    turn(&scene.place);
    ck_assert_uint_eq(writers.call_count, 4);
    turn(&scene.place);
    ck_assert_uint_eq(writers.call_count, 5);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 5);
    scene_close(&scene);
}
END_TEST

static int
ask_in_handler(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    (void)event;
    ask(scene, count_call, &scene->calls);
    return 0;
}

START_TEST(a_callback_asked_for_in_a_handler_comes_in_the_next_turn)
{
    struct scene scene;

    scene_open(&scene);
    consume(scene.bus, scene.group, ask_in_handler, &scene, "ask");
    ck_assert_int_eq(post_number(scene.bus, "ask", 0), 1);
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 0);
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

/* ---- at the end ---- */

START_TEST(a_shutdown_calls_those_who_wait)
{
    struct scene scene;
    struct writers writers;

    scene_open(&scene);
    fill(&scene, "other");
    ask_four_times(&scene, &writers);
    settle(&scene.place);
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_PENDING);
    settle(&scene.place);
    ck_assert_uint_eq(writers.call_count, 4);
    settle(&scene.other);
    ck_assert_uint_eq(received(&scene.other_inbox), CAPACITY);
    ask(&scene, count_call, &scene.calls); /* and after it */
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

struct last_words {
    struct scene *scene;
    uint32_t writable_before; /* calls of on_writable when the detach callback came */
    bool is_detached;
};

static void
on_detached(void *context)
{
    struct last_words *words = context;

    words->writable_before = words->scene->calls.count;
    words->is_detached = true;
}

START_TEST(those_who_wait_when_the_last_group_leaves_are_called_before_the_detach_callback)
{
    struct scene scene;
    struct last_words words = {.scene = &scene};

    scene_open(&scene);
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 0);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.group, RINGBUS_DRAIN, on_detached, &words), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, words.is_detached);
    ck_assert_uint_eq(words.writable_before, 2);
    scene.group = attach(scene.bus, &scene.place, CAPACITY, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(those_who_wait_go_on_waiting_when_one_of_two_groups_leaves)
{
    struct scene scene;
    struct ringbus_group *second = NULL;

    scene_open(&scene);
    second = attach(scene.bus, &scene.place, CAPACITY, 1);
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    detach(&scene.place, second, RINGBUS_DRAIN);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 0);
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv writers", callbacks_are_called_in_the_order_they_were_asked_for,
        when_one_is_refused_again_those_behind_it_wait_on_in_order,
        a_callback_asked_for_in_a_callback_comes_in_the_next_turn,
        a_callback_asked_for_in_a_handler_comes_in_the_next_turn, a_shutdown_calls_those_who_wait,
        those_who_wait_when_the_last_group_leaves_are_called_before_the_detach_callback,
        those_who_wait_go_on_waiting_when_one_of_two_groups_leaves);
}
