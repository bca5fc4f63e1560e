# How every target of this project is compiled. Nothing here touches CMAKE_C_FLAGS: as a subproject ringbus leaves its
# host's flags alone.

set(RINGBUS_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes)

# Is a sanitizer of this name asked for?
function(ringbus_sanitizes name ret_yes)
    string(REPLACE "," ";" sanitizers "${RINGBUS_SANITIZE}")
    if(name IN_LIST sanitizers)
        set(${ret_yes} ON PARENT_SCOPE)
    else()
        set(${ret_yes} OFF PARENT_SCOPE)
    endif()
endfunction()

# C11 without extensions, the warnings, the sanitizers.
function(ringbus_compile target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${target} PRIVATE ${RINGBUS_WARNINGS} $<$<BOOL:${RINGBUS_WERROR}>:-Werror>)
    if(RINGBUS_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${RINGBUS_SANITIZE} -fno-sanitize-recover=all
            -fno-omit-frame-pointer $<$<NOT:$<OR:$<CONFIG:Debug>,$<CONFIG:RelWithDebInfo>>>:-g>)
        target_link_options(${target} PUBLIC $<BUILD_INTERFACE:-fsanitize=${RINGBUS_SANITIZE}>)
    endif()
endfunction()

# The private side of the library: its headers as "layer/name.h", and the system calls behind _GNU_SOURCE.
function(ringbus_see_internals target)
    target_include_directories(${target} PRIVATE ${ringbus_SOURCE_DIR}/include ${ringbus_SOURCE_DIR}/lib)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    endif()
    if(RINGBUS_PORTABLE_PARK)
        target_compile_definitions(${target} PRIVATE RINGBUS_PORTABLE_PARK=1)
    endif()
endfunction()

# Export only the names of a symbols list (one a line, # comments) from a shared library.
function(ringbus_export_symbols target list)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "SHARED_LIBRARY" OR NOT CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
        return()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
    file(STRINGS ${list} names REGEX "^[a-z]")
    list(JOIN names ";\n    " names)
    set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
    file(GENERATE OUTPUT ${map} CONTENT "{\nglobal:\n    ${names};\nlocal:\n    *;\n};\n")
    target_link_options(${target} PRIVATE LINKER:--version-script=${map})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
endfunction()
