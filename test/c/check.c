#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A test that hangs is one that failed. Under a sanitizer, some take ten
 * seconds of a CPU of their own, of which a busy machine gives them little. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SECONDS 200
#else
#define TEST_SECONDS 50
#endif

#define MOST_TESTS 128
#define MOST_DIRS 128

static struct {
  const char *title;
  check_function run;
} tests[MOST_TESTS];
static size_t test_count;

static char dirs[MOST_DIRS][64];
static size_t dir_count;
static pid_t owner;

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

/* --- Checks ------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

void check_remove_dirs(void) {
  if (getpid() != owner) {
    return;
  }
  while (dir_count > 0) {
    dir_count--;
    nftw(dirs[dir_count], remove_one, 16, FTW_DEPTH | FTW_PHYS);
  }
}

#ifdef KG_TEST_COVERAGE
void __gcov_dump(void);
#endif

/* Ends without what exit() does, which is the parent's to do. */
static _Noreturn void end(int status) {
  fflush(NULL);
  check_remove_dirs();
#ifdef KG_TEST_COVERAGE
  __gcov_dump();
#endif
  _exit(status);
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

void check_exit(const char *file, int line, pid_t child) {
  int status = 0;
  count_check();
  if (waitpid(child, &status, 0) != child) {
    fprintf(stderr, "%s:%d: waitpid: %s\n", file, line, strerror(errno));
    fail();
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "%s:%d: the child ended with %s %d\n", file, line,
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fail();
  }
}

/* --- Children, directories ---------------------------------------------- */

pid_t check_fork(void) {
  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    /* A child outlives its test by no more than this. */
    alarm(TEST_SECONDS);
  }
  return child;
}

void check_own_dirs(void) {
  owner = getpid();
  dir_count = 0;
}

_Noreturn void check_done(void) {
  end(0);
}

const char *check_temp_dir(void) {
  CHECK(dir_count < MOST_DIRS);
  char *dir = dirs[dir_count];
  /* Where somebody else clears up after tests that are ended. */
  const char *given = getenv("KG_TEST_DIR");
  snprintf(dir, sizeof dirs[0], "%s/kg-test-XXXXXX",
           given == NULL ? "/dev/shm" : given);
  if (mkdtemp(dir) == NULL) {
    const char *base = getenv("TMPDIR");
    int length = snprintf(dir, sizeof dirs[0], "%s/kg-test-XXXXXX",
                          base == NULL ? "/tmp" : base);
    CHECK(length > 0 && (size_t)length < sizeof dirs[0]);
    CHECK(mkdtemp(dir) != NULL);
  }
  dir_count++;
  return dir;
}

const char *check_path(const char *dir, const char *name) {
  static char paths[16][256];
  static size_t next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static int count_names(const char *dir, const char *suffix) {
  int count = 0;
  size_t after = strlen(suffix);
  DIR *stream = opendir(dir);
  CHECK(stream != NULL);
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    size_t length = strlen(entry->d_name);
    if (length >= after &&
        strcmp(entry->d_name + length - after, suffix) == 0) {
      count++;
    }
  }
  closedir(stream);
  return count;
}

int check_open_descriptors(void) {
  return count_names("/proc/self/fd", "");
}

int check_count_files(const char *dir, const char *suffix) {
  return count_names(dir, suffix);
}

int check_count_mappings(const char *name) {
  char line[1024];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(maps != NULL);
  while (fgets(line, sizeof line, maps) != NULL) {
    count += strstr(line, name) != NULL ? 1 : 0;
  }
  fclose(maps);
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
  owner = getpid();
  alarm(TEST_SECONDS);
  tests[index].run();
  check_remove_dirs();
  if (checked == 0) {
    fprintf(stderr, "\"%s\" checked nothing\n", tests[index].title);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
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
