/* Names of macOS, put onto Linux, so that what darwin*.c does by itself runs in
 * tests: forced in front of every file of the core (-include). What macOS does
 * behind those names runs on a Mac alone. */
#ifndef KG_DARWIN_SHIM_H
#define KG_DARWIN_SHIM_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* <unistd.h> */
#define _CS_DARWIN_USER_CACHE_DIR 65538
#define confstr kg_shim_confstr
size_t kg_shim_confstr(int name, char *text, size_t bytes);

/* <time.h> */
#define CLOCK_UPTIME_RAW CLOCK_MONOTONIC

/* <sys/mman.h> */
#define minherit(base, length, how) madvise(base, length, MADV_DONTFORK)

/* <fcntl.h> */
typedef struct fstore {
  unsigned fst_flags;
  int fst_posmode;
  off_t fst_offset;
  off_t fst_length;
  off_t fst_bytesalloc;
} fstore_t;
#define F_PREALLOCATE 42
#define F_ALLOCATEALL 4
#define F_PEOFPOSMODE 3
#define fcntl(fd, command, argument) \
  kg_shim_fcntl(fd, command, (void *)(uintptr_t)(argument))
int kg_shim_fcntl(int fd, int command, void *argument);

/* <dlfcn.h>: a function of the system that came in 14.4, or none. */
#define dlsym kg_shim_dlsym
void *kg_shim_dlsym(void *handle, const char *name);

#endif
