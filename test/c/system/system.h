/* What the tests themselves ask of an operating system: other processes,
 * memory that is shared with them, files. One file for each kind of system has
 * it. Nothing in here checks anything. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- What there is at all ------------------------------------------------- */

/* Tests of what a system does not have stand between #if and #endif, and by
 * name and with the reason in test/windows/exceptions.json. */
#ifdef _WIN32
#define SYSTEM_FORKS 0         /* a process goes on as two */
#define SYSTEM_HAS_MODES 0     /* permissions are bits, cut by a umask */
#define SYSTEM_HAS_SYMLINKS 0  /* one name may lead to another */
#define SYSTEM_HAS_WAKE_FILE 0 /* event loops hear of events by a file */
#define SYSTEM_CUTS_MAPPED 0   /* a file may be cut short under mappings */
#define SYSTEM_REMOVES_OPENED                    \
  0 /* a file may lose its name while it is open \
     */
#define SYSTEM_BELL_TAKES_MEMORY 1 /* waiting takes more than the word */
#define SYSTEM_KEEPS_IN_MEMORY 0   /* a file may lie in memory, with holes */
#else
#define SYSTEM_FORKS 1
#define SYSTEM_HAS_MODES 1
#define SYSTEM_HAS_SYMLINKS 1
#define SYSTEM_HAS_WAKE_FILE 1
#define SYSTEM_CUTS_MAPPED 1
#define SYSTEM_REMOVES_OPENED 1
#define SYSTEM_BELL_TAKES_MEMORY 0
#define SYSTEM_KEEPS_IN_MEMORY 1
#endif

/* --- This process --------------------------------------------------------- */

/* The first thing that main does. */
void system_begin(void);

/* Ends this process, which has failed then, unless it ends itself within so
 * many seconds from now. */
void system_limit(unsigned seconds);

/* Ends it without what exit() does. */
_Noreturn void system_end(int status);

/* Ends it as system_kill does. */
_Noreturn void system_die(void);

void system_sleep_us(uint64_t us);

/* How many descriptors or handles it has open; negative: it cannot be told. */
int system_count_handles(void);

/* A part of a mapped file that has one protection. */
typedef struct system_mapping {
  uintptr_t from;
  size_t bytes;
  bool is_writable;
} system_mapping;

/* The first `most` parts of files that are mapped and have `name` in their
 * path; returns how many there are; negative: it cannot be told. */
int system_find_mappings(const char *name, system_mapping *found, int most);

bool system_change_dir(const char *path);

/* Memory that begins at a multiple of `alignment`; NULL: there is none. */
void *system_allocate(size_t alignment, size_t bytes);
void system_free(void *memory);

/* At least so many bytes, whole pages of them, with none in front of them and
 * none behind; NULL: there are none. `length` is how many. */
unsigned char *system_allocate_alone(size_t bytes, size_t *length);
void system_free_alone(unsigned char *memory, size_t length);

/* --- Others --------------------------------------------------------------- */

typedef intptr_t system_process;

/* Starts another process of this program that calls `run`, which has `name`
 * among the test's functions, with these arguments; negative: that failed. */
system_process system_start(const char *name,
                            void (*run)(const char *text, uint64_t number),
                            const char *text, uint64_t number);

/* What system_wait returns for one that was killed. */
#define SYSTEM_KILLED (-9)

/* Waits until it has ended. Returns the status with which it did, or a
 * negative number: it was ended by something else. To be called once. */
int system_wait(system_process process);

bool system_has_ended(system_process process);

/* Ends it without its having a say in it. */
void system_kill(system_process process);

#if SYSTEM_FORKS
/* As fork(). */
system_process system_fork(void);
#endif

#define SYSTEM_SHARED_BYTES 4096

/* A block of zeros, always the same one, that this process shares with those
 * that it starts, and these with it. */
void *system_shared(void);

/* --- Files ---------------------------------------------------------------- */

/* Between a directory and a name in it. */
#ifdef _WIN32
#define SYSTEM_SEPARATOR "\\"
#else
#define SYSTEM_SEPARATOR "/"
#endif

/* Makes a directory for this user alone with a name that nobody else has, and
 * writes its path; false: no such place, or `path` is too short. */
bool system_make_temp_dir(char *path, size_t bytes);

bool system_make_dir(const char *path);
bool system_remove_dir(const char *path);
bool system_remove_file(const char *path);

/* With everything in it, as far as that is possible. */
void system_remove_tree(const char *path);

bool system_exists(const char *path);

/* Gives it that name, in the place of what had it. */
bool system_rename(const char *from, const char *to);

/* Gives a file, but no directory, a second name. */
bool system_link(const char *from, const char *to);

/* Makes it so long, whether it was longer or shorter. */
bool system_set_length(const char *path, uint64_t length);

/* Makes it accessible to everybody. */
bool system_open_to_others(const char *path);

/* A file for this user alone with that content, in the place of another. */
bool system_put(const char *path, const void *bytes, size_t length);

/* Reads or writes in a file that is there, whoever else has it open. Returns
 * how many bytes; negative: that failed. */
int64_t system_read(const char *path, uint64_t offset, void *bytes,
                    size_t length);
int64_t system_write(const char *path, uint64_t offset, const void *bytes,
                     size_t length);

/* What changes with each file that takes another's place, and with what is
 * written to it. */
typedef struct system_stamp {
  uint64_t file;
  uint64_t written;
} system_stamp;

bool system_stamp_of(const char *path, system_stamp *stamp);

/* Calls back with each name in a directory but "." and "..". */
bool system_list(const char *path, void (*each)(const char *name, void *data),
                 void *data);

/* The file that has the bytes of the ring with this path, which another one
 * may only name. Writes its path; false: none is there. */
bool system_find_ring(const char *path, char *found, size_t bytes);

#endif
