/* export.h - how a public declaration is spelled. Nothing here to call. */
#ifndef RINGBUS_EXPORT_H
#define RINGBUS_EXPORT_H

#if defined(__GNUC__)
#define RINGBUS_API __attribute__((visibility("default")))
#define RINGBUS_NODISCARD __attribute__((warn_unused_result))
#else
#define RINGBUS_API
#define RINGBUS_NODISCARD
#endif

#ifdef __cplusplus
#define RINGBUS_BEGIN_DECLS extern "C" {
#define RINGBUS_END_DECLS }
#else
#define RINGBUS_BEGIN_DECLS
#define RINGBUS_END_DECLS
#endif

#endif
