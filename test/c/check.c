#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test that hangs is one that failed. Under a sanitizer, or when gcov counts
 * each line, some take ten seconds of a CPU of their own, of which a busy
 * machine gives them little; where nothing forks, a child takes longer than
 * most tests. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(KG_TEST_COVERAGE) || !SYSTEM_FORKS
#define TEST_SECONDS 200
#else
#define TEST_SECONDS 50
#endif

#define MOST_TESTS 128
#define MOST_CHILDREN 16
#define MOST_DIRS 128

static struct {
  const char *title;
  check_function run;
} tests[MOST_TESTS];
static size_t test_count;

static struct {
  const char *name;
  check_child run;
} children[MOST_CHILDREN];
static size_t child_count;

static char dirs[MOST_DIRS][128];
static size_t dir_count;

/* Whether those are this process's to remove. */
static bool is_owner = true;

/* Threads check as well. */
static uint64_t checked;

void check_register(const char *title, check_function run) {
  if (test_count == MOST_TESTS) {
    fprintf(stderr, "check.c: MOST_TESTS is too small\n");
    abort();
  }
  tests[test_count].title = title;
  tests[test_count].run = run;
  test_count++;
}

void check_register_child(const char *name, check_child run) {
  if (child_count == MOST_CHILDREN) {
    fprintf(stderr, "check.c: MOST_CHILDREN is too small\n");
    abort();
  }
  children[child_count].name = name;
  children[child_count].run = run;
  child_count++;
}

static check_child child_of(const char *name) {
  for (size_t i = 0; i < child_count; i++) {
    if (strcmp(children[i].name, name) == 0) {
      return children[i].run;
    }
  }
  return NULL;
}

/* --- Checks ------------------------------------------------------------- */

void check_remove_dirs(void) {
  while (is_owner && dir_count > 0) {
    system_remove_tree(dirs[--dir_count]);
  }
}

/* Ends without what exit() does, which is the parent's to do. */
static _Noreturn void end(int status) {
  fflush(NULL);
  check_remove_dirs();
  system_end(status);
}

static _Noreturn void fail(void) {
  end(1);
}

static void count_check(void) {
  __atomic_fetch_add(&checked, 1, __ATOMIC_RELAXED);
}

void check_true(const char *file, int line, bool fine, const char *what) {
  count_check();
  if (!fine) {
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    fail();
  }
}

void check_equal(const char *file, int line, uint64_t got, uint64_t wanted,
                 const char *what) {
  count_check();
  if (got != wanted) {
    fprintf(stderr,
            "%s:%d: %s: got %" PRId64 " (0x%" PRIx64 "), wanted %" PRId64
            " (0x%" PRIx64 ")\n",
            file, line, what, (int64_t)got, got, (int64_t)wanted, wanted);
    fail();
  }
}

void check_result(const char *file, int line, int64_t got, int64_t wanted,
                  const kg_failure *failure, const char *what) {
  count_check();
  if (got != wanted) {
    fprintf(stderr, "%s:%d: %s: got %" PRId64 " %s, wanted %" PRId64 " %s\n",
            file, line, what, got, got < 0 ? kg_error_code((int)got) : "",
            wanted, wanted < 0 ? kg_error_code((int)wanted) : "");
    if (got < 0 && failure != NULL) {
      fprintf(stderr, "  %s (errno %d)\n", failure->detail,
              failure->system_error);
    }
    fail();
  }
}

void check_bytes(const char *file, int line, const void *got,
                 const void *wanted, size_t length, const char *what) {
  const unsigned char *a = got;
  const unsigned char *b = wanted;
  count_check();
  for (size_t i = 0; i < length; i++) {
    if (a[i] != b[i]) {
      fprintf(stderr,
              "%s:%d: %s: byte %zu of %zu is 0x%02x instead of 0x%02x\n", file,
              line, what, i, length, a[i], b[i]);
      fail();
    }
  }
}

void check_contains(const char *file, int line, const char *text,
                    const char *part) {
  count_check();
  if (strstr(text, part) == NULL) {
    fprintf(stderr, "%s:%d: \"%s\" does not contain \"%s\"\n", file, line, text,
            part);
    fail();
  }
}

void check_exit(const char *file, int line, system_process child) {
  int status = system_wait(child);
  count_check();
  if (status != 0) {
    fprintf(stderr, "%s:%d: the child ended with %s %d\n", file, line,
            status < 0 ? "signal" : "status", abs(status));
    fail();
  }
}

/* --- Children, directories ---------------------------------------------- */

#if SYSTEM_FORKS
system_process check_fork(void) {
  fflush(NULL);
  system_process child = system_fork();
  CHECK(child >= 0);
  if (child == 0) {
    is_owner = false;
    /* A child outlives its test by no more than this. */
    system_limit(TEST_SECONDS);
  }
  return child;
}
#endif

/* What a child does. */
static _Noreturn void be_child(check_child run, const char *text,
                               uint64_t number) {
  is_owner = false;
  system_limit(TEST_SECONDS);
  run(text, number);
  check_done();
}

static check_child started;

static void run_started(const char *text, uint64_t number) {
  be_child(started, text, number);
}

system_process check_start(const char *name, const char *text,
                           uint64_t number) {
  fflush(NULL);
  started = child_of(name);
  CHECK(started != NULL);
  system_process child = system_start(name, run_started, text, number);
  CHECK(child >= 0);
  return child;
}

void check_kill(system_process child) {
  system_kill(child);
  CHECK_EQUAL(system_wait(child), SYSTEM_KILLED);
}

void *check_shared(void) {
  void *shared = system_shared();
  CHECK(shared != NULL);
  return shared;
}

void check_tell(uint32_t *word) {
  __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

void check_await(const uint32_t *word, uint32_t count) {
  while (__atomic_load_n(word, __ATOMIC_SEQ_CST) < count) {
    system_sleep_us(200);
  }
}

void check_own_dirs(void) {
  is_owner = true;
  dir_count = 0;
}

_Noreturn void check_done(void) {
  end(0);
}

const char *check_temp_dir(void) {
  CHECK(dir_count < MOST_DIRS);
  char *dir = dirs[dir_count];
  CHECK(system_make_temp_dir(dir, sizeof dirs[0]));
  dir_count++;
  return dir;
}

const char *check_path(const char *dir, const char *name) {
  static char paths[16][256];
  static size_t next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s" SYSTEM_SEPARATOR "%s", dir, name);
  return path;
}

int check_open_descriptors(void) {
  int count = system_count_handles();
  CHECK(count >= 0);
  return count;
}

typedef struct search {
  const char *suffix;
  int count;
} search;

static void count_name(const char *name, void *data) {
  search *search = data;
  size_t length = strlen(name);
  size_t after = strlen(search->suffix);
  search->count +=
      length >= after && strcmp(name + length - after, search->suffix) == 0;
}

int check_count_files(const char *dir, const char *suffix) {
  search search = {.suffix = suffix};
  CHECK(system_list(dir, count_name, &search));
  return search.count;
}

int check_count_mappings(const char *name) {
  int count = system_find_mappings(name, NULL, 0);
  CHECK(count >= 0);
  return count;
}

uint64_t check_random(uint64_t *state) {
  /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

/* --- Running ------------------------------------------------------------ */

static int run_one(size_t index) {
  system_limit(TEST_SECONDS);
  tests[index].run();
  check_remove_dirs();
  if (checked == 0) {
    fprintf(stderr, "\"%s\" checked nothing\n", tests[index].title);
    return 1;
  }
  return 0;
}

/* "--child <name> <text> <number>": where no process goes on as two. */
static void run_child(char **argv) {
  check_child run = child_of(argv[0]);
  if (run != NULL) {
    be_child(run, argv[1], strtoull(argv[2], NULL, 10));
  }
}

int main(int argc, char **argv) {
  system_begin();
  if (argc == 5 && strcmp(argv[1], "--child") == 0) {
    run_child(argv + 2);
  }
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < test_count; i++) {
      puts(tests[i].title);
    }
    return 0;
  }
  if (argc == 3 && strcmp(argv[1], "--run") == 0) {
    char *end;
    unsigned long index = strtoul(argv[2], &end, 10);
    if (*argv[2] != '\0' && *end == '\0' && index < test_count) {
      return run_one(index);
    }
  }
  fprintf(stderr, "usage: %s --list | --run <index, 0 to %zu>\n", argv[0],
          test_count - 1);
  return 2;
}
