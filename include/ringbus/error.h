/* error.h - every outcome a call can have.
 *
 * A call returns a negative code of this list, 0, or a positive value that its own documentation
 * names. Codes keep their value for ever. The library never sets errno and never prints. */
#ifndef RINGBUS_ERROR_H
#define RINGBUS_ERROR_H

#include "ringbus/export.h"

/* name, value, text */
#define RINGBUS_ERROR_LIST(X)                                                                      \
    X(RINGBUS_PENDING, 1, "begun; it completes after this call has returned")                      \
    X(RINGBUS_OK, 0, "success")                                                                    \
    X(RINGBUS_EINVAL, -1, "an argument is outside its documented range")                           \
    X(RINGBUS_ENOMEM, -2, "an allocation failed; nothing was changed")                             \
    X(RINGBUS_EAGAIN, -3, "no room now, or nothing there yet")                                     \
    X(RINGBUS_ETIMEDOUT, -4, "the deadline passed first")                                          \
    X(RINGBUS_EDEADLK, -5, "waiting here could never end")                                         \
    X(RINGBUS_ESHUTDOWN, -6, "the line of events has ended")                                       \
    X(RINGBUS_EMSGSIZE, -7, "the payload is larger than a slot")                                   \
    X(RINGBUS_EEXIST, -8, "already registered")                                                    \
    X(RINGBUS_ENOENT, -9, "not registered, or no such topic")                                      \
    X(RINGBUS_ENOSPC, -10, "a limit set at open is reached")                                       \
    X(RINGBUS_EBUSY, -11, "still in use")                                                          \
    X(RINGBUS_ERANGE, -12, "that sequence is gone, or not yet there")                              \
    X(RINGBUS_EFORKED, -13, "the object belongs to the parent process")                            \
    X(RINGBUS_ESYS, -14, "the system refused a thread, descriptor or mapping")

enum ringbus_error {
#define RINGBUS_ERROR_ROW(name, value, text) name = value,
    RINGBUS_ERROR_LIST(RINGBUS_ERROR_ROW)
#undef RINGBUS_ERROR_ROW
};

RINGBUS_BEGIN_DECLS

/* What a code means, as a sentence ("the payload is larger than a slot"), or its name
 * ("RINGBUS_EMSGSIZE"). For a value that is not in the list: "unknown outcome", "RINGBUS_UNKNOWN".
 *
 * return  static storage, never NULL
 * Thread  any. */
RINGBUS_API const char *ringbus_error_text(int code);
RINGBUS_API const char *ringbus_error_name(int code);

RINGBUS_END_DECLS

#endif
