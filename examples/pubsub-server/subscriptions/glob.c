/* glob.c - which names match a pattern.
 *
 * I1. All elements but the star take one byte each. So the first way through the elements between two stars is as good
 *     as any other, and only the last star is ever tried again. */
#include "glob.h"

static bool
is_between(char byte, char one, char other)
{
    const signed char at = (signed char)byte;
    const signed char first = (signed char)one;
    const signed char last = (signed char)other;

    return first <= last ? first <= at && at <= last : last <= at && at <= first;
}

/* Whether the brackets that open at **at take this byte. *at moves behind them. */
static bool
brackets_take(const char **at, const char *end, char byte)
{
    const char *inside = *at + 1;
    const bool is_inverted = inside < end && *inside == '^';
    bool is_in = false;

    if (is_inverted)
        inside++;
    while (inside < end && *inside != ']') {
        if (*inside == '\\' && end - inside >= 2) {
            is_in |= inside[1] == byte;
            inside += 2;
        } else if (end - inside >= 3 && inside[1] == '-') {
            is_in |= is_between(byte, inside[0], inside[2]);
            inside += 3;
        } else {
            is_in |= *inside == byte;
            inside++;
        }
    }
    *at = inside < end ? inside + 1 : end;
    return is_in != is_inverted;
}

/* Whether the element at **at, which is no star, takes this byte. *at moves behind it. */
static bool
element_takes(const char **at, const char *end, char byte)
{
    if (**at == '[')
        return brackets_take(at, end, byte);
    if (**at == '?') {
        (*at)++;
        return true;
    }
    if (**at == '\\' && end - *at >= 2)
        (*at)++;
    return *(*at)++ == byte;
}

bool
glob_matches(const char *pattern, size_t size, const char *name, size_t name_size)
{
    const char *const end = pattern + size;
    const char *const name_end = name + name_size;
    const char *star = NULL;  /* behind the last one */
    const char *taken = NULL; /* behind what it takes */

    while (name < name_end) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            taken = name;
        } else if (pattern < end && element_takes(&pattern, end, *name)) {
            name++;
        } else if (star) {
            pattern = star;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}
