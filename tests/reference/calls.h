/* calls.h - what the calls of a script share. */
#ifndef TESTS_REFERENCE_CALLS_H
#define TESTS_REFERENCE_CALLS_H

#include "reference/play.h"

/* Consumers, topics, posts; false: another verb. */
bool play_small_call(const struct call *call);
void play_post(const struct call *call);

/* MUST be right. */
void play_check(const char *call, int code, bool is_right);

#endif
