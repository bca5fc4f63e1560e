/* cancel.h - threads that are cancelled. AddressSanitizer does not see that way out, and has to be told that the stack
 * is free: the next ones on it would be taken for its owners. */
#ifndef TESTS_EXIT_CANCEL_H
#define TESTS_EXIT_CANCEL_H

#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__)
#define IS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_ASAN 1
#endif
#endif

#ifdef IS_ASAN
void __asan_handle_no_return(void);
#endif

/* For pthread_cleanup_push. */
static inline void
forget_stack(void *context)
{
    (void)context;
#ifdef IS_ASAN
    __asan_handle_no_return();
#endif
}

/* A cancellation point. */
static inline void
leave_if_cancelled(void)
{
    pthread_cleanup_push(forget_stack, NULL);
    pthread_testcancel();
    pthread_cleanup_pop(0);
}

#endif
