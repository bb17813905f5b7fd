/* What the files that Linux and macOS share (posix*.c) need from each other
 * and from the system's own file (linux.c, darwin.c). */
#ifndef KG_POSIX_H
#define KG_POSIX_H

#include <time.h>

#include "platform.h"

/* --- From each other ---------------------------------------------------- */

/* Fails with what errno says: "dir/name: call: No such file". */
int kg__posix_fail(kg_failure *failure, const char *call, const char *dir,
                   const char *name);

/* Fails because the file system lacks what a ring needs: what it does not do,
 * as "locks no files". */
int kg__posix_fail_unsupported(kg_failure *failure, const char *what);

/* Closes a descriptor, and frees the lock it holds. */
void kg__posix_close(int fd);

/* The beginning of a file of the kernel's as text, empty where it is none. */
void kg__posix_read_text(const char *path, char *text, size_t bytes);

/* A clock in nanoseconds. */
uint64_t kg__posix_clock_ns(clockid_t clock);

/* A number made of a text that is random already; 0 for an empty one. */
uint64_t kg__posix_fold(const char *text);

/* From here on forks are counted, and locks kept out of children. */
void kg__posix_watch_forks(void);

/* --- From the system ---------------------------------------------------- */

/* Opens a directory without following a link in its place, even when its
 * permissions would not let its owner in; a descriptor or -1 with errno. */
int kg__posix_open_dir(const char *path);

/* Gives that directory mode 0700; 0 or -1 with errno. */
int kg__posix_make_dir_private(int fd);

/* Allocates every block of the file; 0 or an errno. */
int kg__posix_allocate(int fd, uint64_t size);

/* The same, in such pages where the system gives them. */
int kg__posix_allocate_placed(int fd, uint64_t size,
                              const kg__placement *placement);

/* Keeps the code of this library in memory, whoever closes it: from here on
 * forks call it, and signals. A worker that ends closes its addons. */
void kg__posix_stay_loaded(void);

/* Keeps a mapping out of forked children. */
void kg__posix_forbid_inheritance(void *base, size_t length);

#endif
