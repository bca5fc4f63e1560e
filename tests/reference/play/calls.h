/* calls.h - what the calls of a script share. */
#ifndef TESTS_REFERENCE_PLAY_CALLS_H
#define TESTS_REFERENCE_PLAY_CALLS_H

#include "reference/play/play.h"

/* Consumers, registrations, topics; posts, claims, what is kept. False: another verb. */
bool play_small_call(const struct call *call);
bool play_registration(const struct call *call);
bool play_event_call(const struct call *call);
void play_claim(const struct call *call);
void play_publish(const struct call *call);
void play_abandon(const struct call *call);
void play_keep(const struct call *call);
void play_drop(uint32_t number);
void play_visit(int32_t format);

/* A post's outcome is one of those promised. `was_over`: the bus was ending when it began. */
enum form { POST, TRY, UNTIL };
void play_check_post(int code, enum form form, const struct model_promise *promise, bool was_over);

/* Of whoever calls now. */
enum poster play_poster(void);

/* A lossy group has consumers on the topic. */
bool play_is_lossy(uint32_t topic);

/* Caller groups run: in a post or publish of the event; in a registration, which may deliver retained values. */
bool play_begin_delivery(uint32_t event);
bool play_begin_replays(uint32_t consumer);
void play_end_delivery(bool is_outermost);

/* MUST be right. */
void play_check(const char *call, int code, bool is_right);

#endif
