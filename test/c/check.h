/* The smallest harness that does: tests with titles, checks that say where
 * and with what values, temporary directories, children. A check that fails
 * ends its process with 1; a test in which nothing was checked fails too. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../native/base/error.h"
#include "system/system.h"

typedef void (*check_function)(void);

void check_register(const char *title, check_function run);

/* TEST(name, "title") { ... } */
#define TEST(name, title)                                          \
  static void name(void);                                          \
  __attribute__((constructor)) static void register_##name(void) { \
    check_register(title, name);                                   \
  }                                                                \
  static void name(void)

/* CHILD(name, text, number) { ... } is what another process does, which a test
 * starts by CHECK_START(name, text, number). It ends well when it comes to its
 * end. It has nothing of the test's memory but check_shared(). */
#define CHILD(name, text, number)                                  \
  static void name(const char *text, uint64_t number);             \
  __attribute__((constructor)) static void register_##name(void) { \
    check_register_child(#name, name);                             \
  }                                                                \
  static void name(__attribute__((unused)) const char *text,       \
                   __attribute__((unused)) uint64_t number)

typedef void (*check_child)(const char *text, uint64_t number);

void check_register_child(const char *name, check_child run);

#define CHECK_START(name, text, number) check_start(#name, (text), (number))

void check_true(const char *file, int line, bool fine, const char *what);
void check_equal(const char *file, int line, uint64_t got, uint64_t wanted,
                 const char *what);
void check_result(const char *file, int line, int64_t got, int64_t wanted,
                  const kg_failure *failure, const char *what);
void check_bytes(const char *file, int line, const void *got,
                 const void *wanted, size_t length, const char *what);
void check_contains(const char *file, int line, const char *text,
                    const char *part);
void check_exit(const char *file, int line, system_process child);

#define CHECK(condition) check_true(__FILE__, __LINE__, (condition), #condition)

/* Numbers of any integer type. */
#define CHECK_EQUAL(got, wanted)                                       \
  check_equal(__FILE__, __LINE__, (uint64_t)(got), (uint64_t)(wanted), \
              #got " == " #wanted)

/* A result of the library; `failure` (may be NULL) says more. */
#define CHECK_RESULT(got, wanted, failure) \
  check_result(__FILE__, __LINE__, (got), (wanted), (failure), #got)

#define CHECK_BYTES(got, wanted, length)                     \
  check_bytes(__FILE__, __LINE__, (got), (wanted), (length), \
              #got " same as " #wanted)

#define CHECK_CONTAINS(text, part) \
  check_contains(__FILE__, __LINE__, (text), (part))

/* Waits for a child, which must end with 0. */
#define CHECK_EXIT(child) check_exit(__FILE__, __LINE__, (child))

#if SYSTEM_FORKS
/* Forks, with what was printed so far flushed. */
system_process check_fork(void);
#endif

/* Starts a CHILD; see CHECK_START. */
system_process check_start(const char *name, const char *text, uint64_t number);

/* Kills a child, and waits until it is gone. */
void check_kill(system_process child);

/* What processes that are started share with who starts them: zeros at first,
 * SYSTEM_SHARED_BYTES of them. */
void *check_shared(void);

/* Counts one of those words up, and waits until one has been counted up to so
 * much. */
void check_tell(uint32_t *word);
void check_await(const uint32_t *word, uint32_t count);

/* Ends a child in which every check held. */
_Noreturn void check_done(void);

/* In a child: the directories made from here on are its own to remove. */
void check_own_dirs(void);

/* Makes a new directory of mode 0700 in memory, removed when this process
 * ends. Static storage of its own for every call. */
const char *check_temp_dir(void);

/* Removes them now. */
void check_remove_dirs(void);

/* `dir`/`name`, in static storage that the next sixteen calls leave alone. */
const char *check_path(const char *dir, const char *name);

/* How many descriptors this process has open. */
int check_open_descriptors(void);

/* How many files and directories in `dir` have names that end with `suffix`. */
int check_count_files(const char *dir, const char *suffix);

/* How many mappings this process has of files with `name` in their path. */
int check_count_mappings(const char *name);

/* A small generator, the same on every machine. */
uint64_t check_random(uint64_t *state);

#endif
