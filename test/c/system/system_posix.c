/* What the tests ask of Linux, and of macOS over the shim. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

/* --- This process --------------------------------------------------------- */

void system_begin(void) {}

void system_limit(unsigned seconds) {
  alarm(seconds);
}

#ifdef KG_TEST_COVERAGE
void __gcov_dump(void);
#endif

_Noreturn void system_end(int status) {
#ifdef KG_TEST_COVERAGE
  __gcov_dump();
#endif
  _exit(status);
}

_Noreturn void system_die(void) {
  raise(SIGKILL);
  abort();
}

void system_sleep_us(uint64_t us) {
  const struct timespec time = {.tv_sec = (time_t)(us / 1000000),
                                .tv_nsec = (long)(us % 1000000 * 1000)};
  nanosleep(&time, NULL);
}

static void count_one(const char *name, void *count) {
  (void)name;
  ++*(int *)count;
}

int system_count_handles(void) {
  int count = 0;
  return system_list("/proc/self/fd", count_one, &count) ? count : -1;
}

int system_find_mappings(const char *name, system_mapping *found, int most) {
  char line[1024];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) {
    return -1;
  }
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long from;
    unsigned long to;
    char protection[8];
    if (strstr(line, name) == NULL ||
        sscanf(line, "%lx-%lx %7s", &from, &to, protection) != 3) {
      continue;
    }
    if (count < most) {
      found[count] = (system_mapping){.from = from,
                                      .bytes = to - from,
                                      .is_writable = protection[1] == 'w'};
    }
    count++;
  }
  fclose(maps);
  return count;
}

bool system_change_dir(const char *path) {
  return chdir(path) == 0;
}

void *system_allocate(size_t alignment, size_t bytes) {
  return aligned_alloc(alignment, bytes);
}

void system_free(void *memory) {
  free(memory);
}

unsigned char *system_allocate_alone(size_t bytes, size_t *length) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *length = (bytes + page - 1) / page * page;
  unsigned char *around = mmap(NULL, *length + 2 * page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (around == MAP_FAILED ||
      mprotect(around + page, *length, PROT_READ | PROT_WRITE) != 0) {
    return NULL;
  }
  return around + page;
}

void system_free_alone(unsigned char *memory, size_t length) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap(memory - page, length + 2 * page);
}

/* --- Others --------------------------------------------------------------- */

system_process system_fork(void) {
  return fork();
}

system_process system_start(const char *name,
                            void (*run)(const char *text, uint64_t number),
                            const char *text, uint64_t number) {
  (void)name;
  system_shared();
  pid_t child = fork();
  if (child == 0) {
    run(text, number);
    abort();
  }
  return child;
}

int system_wait(system_process process) {
  int status = 0;
  pid_t ended;
  do {
    ended = waitpid((pid_t)process, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended != process) {
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool system_has_ended(system_process process) {
  siginfo_t info = {.si_pid = 0};
  /* What it ended with stays there for system_wait. */
  return waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) !=
             0 ||
         info.si_pid != 0;
}

void system_kill(system_process process) {
  kill((pid_t)process, SIGKILL);
}

void *system_shared(void) {
  static void *shared;
  if (shared == NULL) {
    void *mapped = mmap(NULL, SYSTEM_SHARED_BYTES, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = mapped == MAP_FAILED ? NULL : mapped;
  }
  return shared;
}

/* --- Files ---------------------------------------------------------------- */

static bool make_temp_dir(const char *base, char *path, size_t bytes) {
  int length = snprintf(path, bytes, "%s/kg-test-XXXXXX", base);
  return length > 0 && (size_t)length < bytes && mkdtemp(path) != NULL;
}

bool system_make_temp_dir(char *path, size_t bytes) {
  /* Where somebody else clears up after tests that are ended. */
  const char *given = getenv("KG_TEST_DIR");
  const char *base = getenv("TMPDIR");
  return make_temp_dir(given == NULL ? "/dev/shm" : given, path, bytes) ||
         make_temp_dir(base == NULL ? "/tmp" : base, path, bytes);
}

bool system_make_dir(const char *path) {
  return mkdir(path, 0700) == 0;
}

bool system_remove_dir(const char *path) {
  return rmdir(path) == 0;
}

bool system_remove_file(const char *path) {
  return unlink(path) == 0;
}

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

void system_remove_tree(const char *path) {
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool system_exists(const char *path) {
  return access(path, F_OK) == 0;
}

bool system_rename(const char *from, const char *to) {
  return rename(from, to) == 0;
}

bool system_link(const char *from, const char *to) {
  return link(from, to) == 0;
}

bool system_set_length(const char *path, uint64_t length) {
  return truncate(path, (off_t)length) == 0;
}

bool system_open_to_others(const char *path) {
  return chmod(path, 0777) == 0;
}

bool system_put(const char *path, const void *bytes, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool fine = fd >= 0 && write(fd, bytes, length) == (ssize_t)length;
  return fd >= 0 && close(fd) == 0 && fine;
}

int64_t system_read(const char *path, uint64_t offset, void *bytes,
                    size_t length) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t done = fd < 0 ? -1 : pread(fd, bytes, length, (off_t)offset);
  if (fd >= 0) {
    close(fd);
  }
  return done;
}

int64_t system_write(const char *path, uint64_t offset, const void *bytes,
                     size_t length) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  ssize_t done = fd < 0 ? -1 : pwrite(fd, bytes, length, (off_t)offset);
  if (fd >= 0) {
    close(fd);
  }
  return done;
}

bool system_stamp_of(const char *path, system_stamp *stamp) {
  struct stat info;
  if (lstat(path, &info) != 0) {
    return false;
  }
  stamp->file = (uint64_t)info.st_ino;
  stamp->written = (uint64_t)info.st_mtim.tv_sec * 1000000000 +
                   (uint64_t)info.st_mtim.tv_nsec;
  return true;
}

bool system_list(const char *path, void (*each)(const char *name, void *data),
                 void *data) {
  DIR *stream = opendir(path);
  if (stream == NULL) {
    return false;
  }
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      each(entry->d_name, data);
    }
  }
  closedir(stream);
  return true;
}

bool system_find_ring(const char *path, char *found, size_t bytes) {
  snprintf(found, bytes, "%s", path);
  return system_exists(path);
}
