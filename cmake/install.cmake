# Installs headers, both libraries shared and static, a CMake package with the component uv, and two .pc files. All of
# it may be moved afterwards: nothing installed names the prefix.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ringbus)

# Targets of one library: `name` and, where both kinds are built, `name`_static.
function(ringbus_install_library name export_set)
    set(targets ${name})
    if(BUILD_SHARED_LIBS)
        list(APPEND targets ${name}_static)
    endif()
    install(TARGETS ${targets} EXPORT ${export_set}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(EXPORT ${export_set} NAMESPACE ringbus:: DESTINATION ${package_dir})
endfunction()

file(GLOB public_headers CONFIGURE_DEPENDS include/ringbus/*.h)
list(FILTER public_headers EXCLUDE REGEX "/uv\\.h$")
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ringbus)
ringbus_install_library(ringbus ringbus-targets)

if(RINGBUS_WITH_UV)
    install(FILES include/ringbus/uv.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ringbus)
    ringbus_install_library(ringbus_uv ringbus-uv-targets)
    install(FILES cmake/ringbus-libuv.cmake DESTINATION ${package_dir})
endif()

# ---- the CMake package: find_package(ringbus [COMPONENTS uv]) -------------------------------------
configure_package_config_file(cmake/ringbus-config.cmake.in ${ringbus_BINARY_DIR}/ringbus-config.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${ringbus_BINARY_DIR}/ringbus-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${ringbus_BINARY_DIR}/ringbus-config.cmake ${ringbus_BINARY_DIR}/ringbus-config-version.cmake
    DESTINATION ${package_dir})

# ---- pkg-config: the prefix is found from where the .pc file lies ---------------------------------
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
    file(RELATIVE_PATH pc_prefix "/prefix/${pc_dir}" /prefix)
    string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
endif()
set(pc_static_libs "")
if(NOT BUILD_SHARED_LIBS)
    set(pc_static_libs " -pthread")
endif()

configure_file(cmake/ringbus.pc.in ${ringbus_BINARY_DIR}/ringbus.pc @ONLY)
install(FILES ${ringbus_BINARY_DIR}/ringbus.pc DESTINATION ${pc_dir})
if(RINGBUS_WITH_UV)
    configure_file(cmake/ringbus-uv.pc.in ${ringbus_BINARY_DIR}/ringbus-uv.pc @ONLY)
    install(FILES ${ringbus_BINARY_DIR}/ringbus-uv.pc DESTINATION ${pc_dir})
endif()
