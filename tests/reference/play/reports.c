/* reports.c - what on_undelivered must say, and says. */
#include <stdio.h>

#include "reference/model/registered.h"
#include "reference/play/play.h"

uint32_t
play_read_number(const char *name, char letter, uint32_t bound)
{
    unsigned number = bound;
    char rest = 0;

    if (name[0] != letter || sscanf(name + 1, "%u%c", &number, &rest) != 1 || number >= bound)
        refute("on_undelivered is told of %s", name);
    return number;
}

void
play_on_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    const uint32_t consumer = play_read_number(undelivered->consumer, 'c', CONSUMERS);
    const uint32_t topic = model_topic_of(undelivered->topic);
    const struct model *model = &player.model;
    const uint32_t group = model->consumers[consumer].group;
    struct report *report = NULL;

    if (topic == TOPICS)
        refute("on_undelivered is told of topic %s", undelivered->topic);
    if (bus != player.bus || context != &player)
        refute("on_undelivered has another context");
    if (play_read_number(undelivered->group, 'g', GROUPS) != group)
        refute("on_undelivered says that consumer %u is in group %s", (unsigned)consumer,
            undelivered->group);
    if ((undelivered->is_paused != 0) != model->groups[group].is_paused)
        refute("on_undelivered says that group %s is %spaused", undelivered->group,
            undelivered->is_paused ? "" : "not ");
    report = &player.reports[consumer][topic];
    report->count += undelivered->count;
    report->times++;
}

void
play_expect_reports(uint32_t group)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t t = 0; t < TOPICS; t++)
            if (player.model.consumers[c].line != UNOPENED &&
                (group == GROUPS || player.model.consumers[c].group == group))
                model_unfinished(
                    &player.model, c, t, &player.reports[c][t].least, &player.reports[c][t].most);
}

void
play_forgo_reports(uint32_t consumer)
{
    for (uint32_t t = 0; t < TOPICS; t++) {
        player.reports[consumer][t].least = 0;
        /* Where a pattern's registration stays the rest is told with that one. */
        player.reports[consumer][t].parts +=
            player.depth > 0 && !(player.model.consumers[consumer].registered >> t & 1);
    }
}

void
play_leave_reports_open(uint32_t group)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (group == GROUPS || player.model.consumers[c].group == group)
            player.seats[c].is_report_open = true;
}

void
play_check_reports(void)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t t = 0; t < TOPICS; t++) {
            struct report *report = &player.reports[c][t];
            /* Copies of retained values are told of when they are dropped, or later. */
            uint32_t *dropped = &player.model.dropped_replays[c][t];
            const uint64_t told = report->count > report->most ? report->count - report->most : 0;

            if (!player.seats[c].is_report_open &&
                (report->times > 1 + *dropped + report->parts || report->count < report->least ||
                    told > *dropped))
                refute("on_undelivered says %u times that consumer %u has not finished %llu events "
                       "of topic %u; it is %u to %u",
                    (unsigned)report->times, (unsigned)c, (unsigned long long)report->count,
                    (unsigned)t, (unsigned)report->least, (unsigned)report->most);
            *report = (struct report){.times = 0};
            *dropped -= told < *dropped ? (uint32_t)told : *dropped;
        }
}

void
play_expect_dropped(uint32_t consumer)
{
    for (uint32_t t = 0; t < TOPICS && player.model.bus == OPEN && player.depth == 0; t++) {
        struct report *report = &player.reports[consumer][t];

        report->least = report->most = player.model.dropped_replays[consumer][t];
        player.model.dropped_replays[consumer][t] = 0;
    }
}
