/* record.h - lib/base/record.h for the model checker: each of its threads has a record, though they are one thread of
 * the system. lib/base/record.c itself defines the real one, which nobody uses. */
#ifndef RINGBUS_MODEL_RECORD_H
#define RINGBUS_MODEL_RECORD_H

#include "../lib/base/record.h"

struct record *model_own_record(void);

#ifndef MODEL_DEFINES_RECORD
#define ringbus__record (*model_own_record())
#endif

#endif
