/* matching.h - a topic enters the table: whoever's patterns match it is registered on it. */
#ifndef RINGBUS_BUS_PATTERN_MATCHING_H
#define RINGBUS_BUS_PATTERN_MATCHING_H

#include "bus/topic.h"

/* Under both locks, for a topic that nobody has seen. RINGBUS_OK, RINGBUS_ENOMEM: nothing has changed. */
int ringbus__matching_run(struct ringbus_topic *topic);

#endif
