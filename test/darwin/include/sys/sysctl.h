/* As much of <sys/sysctl.h> of macOS as darwin.c needs. */
#ifndef KG_DARWIN_SYSCTL_H
#define KG_DARWIN_SYSCTL_H

#include <stddef.h>

int sysctlbyname(const char *name, void *old, size_t *old_bytes,
                 void *new_value, size_t new_bytes);

#endif
