/* exit.h - a thread exits in a handler: its groups end. */
#ifndef RINGBUS_BUS_EXECUTOR_EXIT_H
#define RINGBUS_BUS_EXECUTOR_EXIT_H

#include "base/record.h"

/* By a thread that exits: if it was in a handler, settle what it leaves behind. */
void ringbus__exit(struct record *record);

#endif
