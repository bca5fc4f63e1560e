/* version.h - the one place where the version is written; CMake reads it from here. */
#ifndef RINGBUS_VERSION_H
#define RINGBUS_VERSION_H

#include "ringbus/export.h"

#define RINGBUS_VERSION_MAJOR 0
#define RINGBUS_VERSION_MINOR 1
#define RINGBUS_VERSION_PATCH 0
#define RINGBUS_VERSION_TEXT "0.1.0"

RINGBUS_BEGIN_DECLS

/* The version of the library that is linked, e.g. "0.1.0"; static storage, never NULL.
 * Thread  any. */
RINGBUS_API const char *ringbus_version(void);

RINGBUS_END_DECLS

#endif
