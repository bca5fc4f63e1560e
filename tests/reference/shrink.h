/* shrink.h - makes a script that fails as small as it can be and still fail. */
#ifndef TESTS_REFERENCE_SHRINK_H
#define TESTS_REFERENCE_SHRINK_H

#include "reference/script.h"

void shrink(struct script *script);

/* Does it fail? Given by who plays. */
bool shrink_fails(const struct script *script);

#endif
