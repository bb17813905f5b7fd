/* What the core asks of an operating system, and all it may ask. Each system
 * has its files that implement it (linux*.c and darwin*.c, posix*.c for what
 * those two share, win32*.c); binding.gyp chooses. No file outside this folder
 * names a system.
 *
 * Functions return KG_OK or a negative enum kg_error unless they say
 * otherwise, fill `failure` when they are given one, and leave nothing open
 * or half-made when they fail. */
#ifndef KG_PLATFORM_H
#define KG_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"
#include "../include/kg_ipc.h"

#define KG_PATH_BYTES 512

/* Between a directory and a name, in what people are told. */
#ifdef _WIN32
#define KG__SEPARATOR "\\"
#else
#define KG__SEPARATOR "/"
#endif

/* How the name of a ring ends, and that of a ring's file that has no name yet.
 * On Windows it never has another one, so it must not be called temporary:
 * what cleans up would take it. */
#define KG__RING_SUFFIX ".shm"
#ifdef _WIN32
#define KG__UNNAMED_SUFFIX ".ring"
#else
#define KG__UNNAMED_SUFFIX ".tmp"
#endif

/* --- Directories -------------------------------------------------------- */

/* An opened directory. Files in it are reached through the handle, so nobody
 * can exchange the directory between two steps. */
typedef struct kg__dir {
  intptr_t handle;
  char path[KG_PATH_BYTES]; /* for messages */
} kg__dir;

/* More default directories than a system has. */
#define KG__DIR_CANDIDATES 8

/* Writes the path of the default directory number `index` (from 0, best
 * first) into `path`; false when there are no more. A candidate that does
 * not apply here, as where somebody else could exchange it, is an empty string.
 * What the environment says of one process it need not say of another, so the
 * places that need no environment are always among them. Not for any thread:
 * JavaScript may be changing the environment. */
bool kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]);

/* kg__dir_open of a default directory: the one above it is made, too, where
 * that is this product's own. */
int kg__dir_open_candidate(const char *path, bool create, kg__dir *dir,
                           kg_failure *failure);

/* Opens `path` if it is a real directory that belongs to this user and that
 * nobody else can enter (KG_E_UNSAFE_PATH otherwise). With `create` it is
 * made when missing, with exactly those permissions before this returns;
 * without, a missing one is KG_E_NO_RING. */
int kg__dir_open(const char *path, bool create, kg__dir *dir,
                 kg_failure *failure);

void kg__dir_close(kg__dir *dir);

/* Removes every file in `dir` whose name is `prefix`, `between` characters
 * and `suffix`. What cannot be removed stays. */
void kg__dir_sweep(kg__dir *dir, const char *prefix, size_t between,
                   const char *suffix);

/* --- Files -------------------------------------------------------------- */

typedef struct kg__file {
  intptr_t handle;
  uint64_t device;
  uint64_t inode;
} kg__file;

#define KG__FILE_NONE ((kg__file){.handle = -1})

/* Opens an existing file for reading and writing. It must be a regular file
 * of this user with one name and closed to others (KG_E_UNSAFE_PATH, without
 * following a link or waiting on a pipe); KG_E_NO_RING when missing. Where a
 * ring's name only leads to its file (Windows), KG_E_RING_INVALID when what
 * has the name leads nowhere. */
int kg__file_open(kg__dir *dir, const char *name, kg__file *file,
                  kg_failure *failure);

/* The same, and an empty file for this user alone is made when missing. */
int kg__file_open_or_create(kg__dir *dir, const char *name, kg__file *file,
                            kg_failure *failure);

/* Makes a new file for this user alone, `size` zero bytes with every block
 * allocated (KG_E_NO_SPACE here, never a signal later). */
int kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                    kg__file *file, kg_failure *failure);

/* How the pages of a ring are wanted: what the options say. */
typedef struct kg__placement {
  uint32_t huge_pages; /* enum kg_huge_pages */
  uint32_t numa_node;  /* 0, KG_NUMA_NODE() or KG_NUMA_INTERLEAVE */
} kg__placement;

/* The same, where the system can in such pages: those of a file in memory are
 * there once they are allocated, and stay as they are. kg__place_pages and
 * kg__require_huge_pages tell what came of it. */
int kg__file_create_placed(kg__dir *dir, const char *name, uint64_t size,
                           const kg__placement *placement, kg__file *file,
                           kg_failure *failure);

/* Gives the file of a ring, `from`, the name of a ring, `to`, replacing what
 * has it, in one step. Where a mapped file cannot be renamed (Windows), the
 * name leads to `from` from then on, for kg__file_open and kg__file_is_named.
 */
int kg__file_rename(kg__dir *dir, const char *from, const char *to,
                    kg_failure *failure);

void kg__file_remove(kg__dir *dir, const char *name);

/* The size in bytes now. */
int kg__file_size(const kg__file *file, uint64_t *size, kg_failure *failure);

/* Whether looking at its first `length` bytes would fill memory: it lies in
 * memory and has fewer blocks than that. */
bool kg__file_has_holes(const kg__file *file, uint64_t length);

/* True when the path of `name` in `dir` still leads to this very file. */
bool kg__file_is_named(const kg__dir *dir, const char *name,
                       const kg__file *file);

/* True when the directory at the path it was opened by still is this one. */
bool kg__dir_is_named(const kg__dir *dir);

/* Closing releases the locks held through this handle. */
void kg__file_close(kg__file *file);

/* --- Locks -------------------------------------------------------------- */

/* Takes the exclusive lock on one byte of a file without waiting:
 * KG_E_RING_LOCKED when somebody holds it, in this process too. The kernel
 * frees it when its holder ends, however it ends; a forked child neither
 * holds it nor keeps it held. The file need not have that byte. */
int kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure);

/* True when somebody else holds that lock. Asks, keeps nothing. Not to be asked
 * through the handle that holds it: on Windows that would free it. */
bool kg__file_is_locked(const kg__file *file, uint32_t byte);

/* Counts the forks between this process and the first that took a lock or
 * mapped a ring. A handle whose count differs from the present one belongs to
 * a parent. */
uint32_t kg__fork_count(void);

/* --- Memory ------------------------------------------------------------- */

/* Maps the first `length` bytes, shared with other processes. Only
 * [writable_offset, writable_offset + writable_length) can be written; both
 * are multiples of 64 KiB, or the whole. All of them are multiples of
 * kg__file_page_bytes. Forked children do not inherit it. */
int kg__map(const kg__file *file, size_t length, size_t writable_offset,
            size_t writable_length, void **base, kg_failure *failure);

/* Has the system put the first `length` bytes of a mapping in their place now,
 * for writing or for reading, so that the first lap of a ring does not stop at
 * each page. Where it cannot, or does not want to, nothing is lost but that. */
void kg__prefault(void *base, size_t length, bool writable);

void kg__unmap(void *base, size_t length);

/* The bytes of a page, 64 KiB at most. */
uint32_t kg__page_bytes(void);

/* The bytes of the pages that files in a directory have, and of those of one
 * file: more where all of them are huge (hugetlbfs). */
uint64_t kg__dir_page_bytes(const kg__dir *dir);
uint64_t kg__file_page_bytes(const kg__file *file);

/* The bytes of the huge pages that other files may have; 0: there are none. */
uint64_t kg__huge_page_bytes(void);

/* KG_E_HUGE_PAGES or KG_E_NUMA_NODE for what can be had nowhere on this
 * machine, with what there is. */
int kg__placement_check(const kg__placement *placement, kg_failure *failure);

/* Tells the system how the pages of a mapping are wanted. To be called before
 * kg__prefault. KG_E_NUMA_NODE when it refuses the node; huge pages are
 * advice. */
int kg__place_pages(void *base, size_t length, const kg__placement *placement,
                    kg_failure *failure);

/* KG_E_HUGE_PAGES unless the system says that all of a mapping, which was
 * prefaulted, is in huge pages; with what would do. */
int kg__require_huge_pages(const kg__file *file, const void *base,
                           size_t length, kg_failure *failure);

/* See kg_writer_memory. KG_E_SYSTEM */
int kg__memory_look(const void *base, size_t length, kg_memory *memory,
                    kg_failure *failure);

/* --- Guard -------------------------------------------------------------- */

/* A file that is cut short leaves holes in its mappings, and touching one ends
 * the process. A guarded mapping has empty memory there instead, and is broken
 * from then on: nothing that is read from it means anything. Where the system
 * refuses to cut a mapped file short (Windows), no mapping ever is. */
typedef struct kg__guard kg__guard;

/* Guards a mapping of pages of so many bytes. KG_E_NO_MEMORY. */
int kg__guard_add(void *base, size_t length, uint64_t page_bytes,
                  kg__guard **guard, kg_failure *failure);

/* To be called before the mapping goes; NULL is allowed. */
void kg__guard_remove(kg__guard *guard);

/* Whether a hole was touched. Any thread. */
bool kg__guard_is_broken(const kg__guard *guard);

/* Sees to it that guarded mappings are, whatever the process around us has done
 * to its signals since the last time. To be called before shared memory is
 * touched that was not touched for a while. Any thread. */
void kg__guard_keep(void);

/* The same for one who touches it all the time and has just asked for the
 * monotonic clock: looks fifty thousand times a second at most. The system
 * call costs as much as writing an event. */
void kg__guard_keep_often(uint64_t now_ns);

/* The same, and twice as often, for one who has nothing else to do right now:
 * what follows it closely finds that the look was just taken. */
void kg__guard_keep_early(uint64_t now_ns);

/* --- Doorbell ----------------------------------------------------------- */

/* What waiting needs beyond the shared word: nothing where the system waits
 * on memory across processes (Linux, macOS 14.4), a named object elsewhere
 * (Windows), which the generation names. */
typedef struct kg__bell {
  const uint32_t *word; /* in shared memory; may be mapped read-only */
  intptr_t handle;
} kg__bell;

void kg__bell_open(kg__bell *bell, const uint32_t *word, uint64_t generation);

/* Sleeps while the word holds `expected`, `timeout_ns` at the most. May
 * return early for no reason; never fails, so a word that cannot be waited on,
 * or a bell that could not be opened, is a short sleep and not a spin. */
void kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t timeout_ns);

/* Wakes every sleeper of every process. */
void kg__bell_ring(kg__bell *bell);

void kg__bell_close(kg__bell *bell);

/* --- Wake file ----------------------------------------------------------- */

/* A way to wake event loops without a thread that waits: a file beside the ring
 * that they watch. One signal wakes every listener of every process, and none
 * can take it from another. A system without one fails every call, and readers
 * wait in a thread then. */

/* The writer's end. */
typedef struct kg__wake_file {
  intptr_t handle;
  uint64_t inode;
  uint64_t id; /* tells this file from others of that name; 0: no wake file */
} kg__wake_file;

#define KG__WAKE_FILE_NONE ((kg__wake_file){.handle = -1})

/* Opens the wake file `name` if it is the one with this id. */
int kg__wake_file_open(const kg__dir *dir, const char *name, uint64_t id,
                       kg__wake_file *file);

/* Opens the wake file `name`, or makes it, for this user alone, unless `file`
 * is the one that has the name and can be signalled. Another kind of file in
 * its place is removed. Without success `file` is KG__WAKE_FILE_NONE. */
void kg__wake_file_keep(kg__dir *dir, const char *name, kg__wake_file *file);

/* Wakes every listener. Never waits. False when the file is damaged and wakes
 * none. */
bool kg__wake_file_signal(const kg__wake_file *file);

void kg__wake_file_close(kg__wake_file *file);

/* A reader's end. */
typedef struct kg__listener {
  intptr_t descriptor; /* what a loop/watch.h watches */
  uint64_t id;
  intptr_t queue;       /* the system's own: what tells of the descriptor */
  uint32_t queue_forks; /* the fork count when that was made */
} kg__listener;

#define KG__LISTENER_NONE ((kg__listener){.descriptor = -1, .queue = -1})

/* Opens the wake file `name` if it is the one with this id, in the place of
 * what `listener` has open. Returns its descriptor, -1 when there is none. */
intptr_t kg__listener_open(const kg__dir *dir, const char *name, uint64_t id,
                           kg__listener *listener);

/* A descriptor that poll() finds readable when the file was signalled; -1 when
 * there is none. It stays the listener's. */
intptr_t kg__listener_poll(kg__listener *listener);

/* Empties both, so that they are readable only after the next signal. */
void kg__listener_drain(const kg__listener *listener);

void kg__listener_close(kg__listener *listener);

/* --- Clocks and the rest ------------------------------------------------ */

/* Monotonic nanoseconds, the same for every process since boot. */
uint64_t kg__clock_monotonic_ns(void);

/* The same clock for one who asks it for each event: a microsecond off at the
 * most, and never back. Used by one thread. */
typedef struct kg__clock {
  uint64_t base_ns; /* the last look at the kernel's clock; 0: none yet */
  uint64_t base_ticks;
  uint64_t rate; /* ns in a tick, times 2^32; 0: not known */
  uint64_t last_ns;
  bool has_ticks;
} kg__clock;

void kg__clock_begin(kg__clock *clock);
uint64_t kg__clock_ns(kg__clock *clock);

/* Monotonic, and time spent suspended counts. */
uint64_t kg__clock_boot_ns(void);

/* Ends early when a signal comes. */
void kg__sleep(uint64_t ns);

/* On an idle system a sleep is so much longer than it was asked to be. Windows
 * before 10 1803 counts in ticks of 16 ms. */
#ifdef _WIN32
#define KG__SLEEP_SLACK_NS UINT64_C(16000000)
#else
#define KG__SLEEP_SLACK_NS UINT64_C(60000)
#endif

/* Microseconds since 1970. */
uint64_t kg__clock_wall_us(void);

/* Tells one boot of this machine from the next; 0 when it cannot be told. */
uint64_t kg__boot_id(void);

uint32_t kg__process_id(void);

/* 64 random bits, never 0. */
int kg__random(uint64_t *value, kg_failure *failure);

#endif
