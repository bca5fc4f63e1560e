/* magic.h - the word by which builds with assertions tell an object of the bus from one that is gone.
 *
 * Every object that a user holds a pointer to carries it from its opening, and another word when its memory is given
 * back. Public functions assert it before they follow the pointer: use after close dies there. Without assertions the
 * word is written and never read. What is given back may soon be another object: this finds mistakes, it excludes none.
 * Source: a habit of long-lived C code (the magic numbers of file formats, of allocators). */
#ifndef RINGBUS_BUS_MAGIC_H
#define RINGBUS_BUS_MAGIC_H

#include <assert.h>

enum magic {
    MAGIC_GONE = 0x600e600e,
    MAGIC_BUS = 0x62757321,
    MAGIC_GROUP = 0x67727021,
    MAGIC_CONSUMER = 0x636f6e21,
    MAGIC_TOPIC = 0x746f7021
};

#endif
