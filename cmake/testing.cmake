# What every ctest of this project has in common: time-outs, environment, what a skip is.
enable_testing()

set(RINGBUS_TEST_TIMEOUT_FACTOR 1)
set(RINGBUS_TEST_ENVIRONMENT "")
if(RINGBUS_SANITIZE)
    list(APPEND RINGBUS_TEST_ENVIRONMENT CK_FORK=no ASAN_OPTIONS=detect_leaks=1
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1)
    set(RINGBUS_TEST_TIMEOUT_FACTOR 3)
endif()
ringbus_sanitizes(thread thread_sanitizer)
if(thread_sanitizer)
    set(RINGBUS_TEST_TIMEOUT_FACTOR 6)
endif()

# ringbus_set_up_test(<ctest name> [TIMEOUT seconds] [LABELS ...] [ENVIRONMENT ...])
# What every ctest of this project has in common; for tests made with add_test.
function(ringbus_set_up_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;ENVIRONMENT")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    math(EXPR timeout "${arg_TIMEOUT} * ${RINGBUS_TEST_TIMEOUT_FACTOR}")
    set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} SKIP_RETURN_CODE 77 LABELS "${arg_LABELS}"
        ENVIRONMENT "${RINGBUS_TEST_ENVIRONMENT};${arg_ENVIRONMENT}")
endfunction()
