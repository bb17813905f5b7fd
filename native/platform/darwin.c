/* What macOS has of its own: where caches live, its clocks and its way to wait
 * on memory. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mach/vm_inherit.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "posix.h"

/* --- Directories -------------------------------------------------------- */

/* Not the temporary directories: the system sweeps from them what nobody has
 * read for three days, and a ring that is mapped is not read. */
#define OWN_DIRECTORY "kindly-guard"
#define HOME_CACHES "/Library/Caches/" OWN_DIRECTORY

/* The system makes it for this user alone, and no environment says where. */
static bool write_user_cache(char path[KG_PATH_BYTES]) {
  char base[KG_PATH_BYTES];
  size_t length = confstr(_CS_DARWIN_USER_CACHE_DIR, base, sizeof base);
  return length > 1 && length <= sizeof base && base[0] == '/' &&
         snprintf(path, KG_PATH_BYTES, "%s%s%s", base,
                  base[length - 2] == '/' ? "" : "/",
                  OWN_DIRECTORY) < KG_PATH_BYTES;
}

/* sudo and the like leave the home of somebody else in the environment. */
static bool write_home(char path[KG_PATH_BYTES]) {
  char text[4096];
  struct passwd entry;
  struct passwd *found = NULL;
  struct stat info;
  const char *home = getenv("HOME");
  if (home == NULL || home[0] != '/' || stat(home, &info) != 0 ||
      info.st_uid != geteuid()) {
    bool is_known =
        getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 &&
        found != NULL && found->pw_dir[0] == '/' &&
        stat(found->pw_dir, &info) == 0 && info.st_uid == geteuid();
    home = is_known ? found->pw_dir : NULL;
  }
  return home != NULL && snprintf(path, KG_PATH_BYTES, "%s%s", home,
                                  HOME_CACHES) < KG_PATH_BYTES;
}

bool kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  bool is_written = false;
  if (index > 1) {
    return false;
  }
  is_written = index == 0 ? write_user_cache(path) : write_home(path);
  if (!is_written) {
    path[0] = '\0';
  }
  return true;
}

int kg__dir_open_candidate(const char *path, bool create, kg__dir *dir,
                           kg_failure *failure) {
  return kg__dir_open(path, create, dir, failure);
}

int kg__posix_open_dir(const char *path) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  struct stat info;
  int fd = open(path, flags);
  /* There is no O_PATH, and a umask may have taken the permissions of a
   * directory whose maker has just made it, or died before it gave them back.
   */
  if (fd < 0 && errno == EACCES && lstat(path, &info) == 0 &&
      S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
      (info.st_mode & 077) == 0 && (info.st_mode & 0700) != 0700 &&
      fchmodat(AT_FDCWD, path, 0700, AT_SYMLINK_NOFOLLOW) == 0) {
    fd = open(path, flags);
  }
  return fd;
}

int kg__posix_make_dir_private(int fd) {
  return fchmod(fd, 0700);
}

/* --- Files, locks, memory ----------------------------------------------- */

int kg__posix_allocate(int fd, uint64_t size) {
  fstore_t store = {.fst_flags = F_ALLOCATEALL,
                    .fst_posmode = F_PEOFPOSMODE,
                    .fst_length = (off_t)size};
  /* A file system that cannot promise space may run out of it later; then the
   * guard gives the writer empty memory. */
  if (fcntl(fd, F_PREALLOCATE, &store) != 0 && errno != ENOTSUP &&
      errno != EINVAL) {
    return errno;
  }
  return ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
}

int kg__posix_allocate_placed(int fd, uint64_t size,
                              const kg__placement *placement) {
  (void)placement;
  return kg__posix_allocate(fd, size);
}

bool kg__file_has_holes(const kg__file *file, uint64_t length) {
  /* Nothing here lies in memory alone: a hole is read from nowhere. */
  (void)file;
  (void)length;
  return false;
}

void kg__posix_stay_loaded(void) {
  /* The linker cannot say so here. */
  static const char inside = 0;
  Dl_info own;
  if (dladdr(&inside, &own) != 0) {
    dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

void kg__posix_forbid_inheritance(void *base, size_t length) {
  minherit(base, length, VM_INHERIT_NONE);
}

void kg__prefault(void *base, size_t length, bool writable) {
  /* There is no call for it. */
  (void)base;
  (void)length;
  (void)writable;
}

/* --- Doorbell ----------------------------------------------------------- */

/* Public since 14.4, and looked up by name so that older systems load this. The
 * values are those of <os/os_sync_wait_on_address.h> and <os/clock.h>. */
#define SYNC_SHARED UINT32_C(1)
#define MACH_CLOCK UINT32_C(32)
typedef int wait_function(void *address, uint64_t value, size_t size,
                          uint32_t flags, uint32_t clock, uint64_t timeout_ns);
typedef int wake_function(void *address, size_t size, uint32_t flags);
static wait_function *wait_on_address;
static wake_function *wake_all;

/* Before 14.4, and where a page was cut off. */
#define STEP_NS UINT64_C(1000000)

static void look_up(void) {
  /* The way of POSIX to make a function of what dlsym returns. */
  *(void **)&wait_on_address =
      dlsym(RTLD_DEFAULT, "os_sync_wait_on_address_with_timeout");
  *(void **)&wake_all = dlsym(RTLD_DEFAULT, "os_sync_wake_by_address_all");
}

void kg__bell_open(kg__bell *bell, const uint32_t *word, uint64_t generation) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)generation;
  pthread_once(&once, look_up);
  *bell = (kg__bell){.word = word, .handle = -1};
}

static void *word_of(const kg__bell *bell) {
  return (void *)(uintptr_t)bell->word;
}

void kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t timeout_ns) {
  bool is_fast = wait_on_address != NULL && wake_all != NULL;
  if (timeout_ns == 0) {
    /* There, 0 is for ever. */
    return;
  }
  if (is_fast && (wait_on_address(word_of(bell), expected, sizeof *bell->word,
                                  SYNC_SHARED, MACH_CLOCK, timeout_ns) >= 0 ||
                  errno == EINTR || errno == ETIMEDOUT)) {
    return;
  }
  kg__sleep(timeout_ns < STEP_NS ? timeout_ns : STEP_NS);
}

void kg__bell_ring(kg__bell *bell) {
  if (wake_all != NULL) {
    wake_all(word_of(bell), sizeof *bell->word, SYNC_SHARED);
  }
}

void kg__bell_close(kg__bell *bell) {
  bell->word = NULL;
}

/* --- Clocks and the rest ------------------------------------------------ */

uint64_t kg__clock_monotonic_ns(void) {
  /* The clock of libuv's uv_hrtime: it stands while the system sleeps. */
  return kg__posix_clock_ns(CLOCK_UPTIME_RAW);
}

uint64_t kg__clock_boot_ns(void) {
  /* Here the monotonic clock goes on meanwhile. */
  return kg__posix_clock_ns(CLOCK_MONOTONIC_RAW);
}

/* The system's clock costs no more than the counter that it is read from. */
void kg__clock_begin(kg__clock *clock) {
  *clock = (kg__clock){.has_ticks = false};
}

uint64_t kg__clock_ns(kg__clock *clock) {
  (void)clock;
  return kg__clock_monotonic_ns();
}

uint64_t kg__boot_id(void) {
  char text[64] = "";
  size_t size = sizeof text - 1;
  return sysctlbyname("kern.bootsessionuuid", text, &size, NULL, 0) == 0
             ? kg__posix_fold(text)
             : 0;
}

int kg__random(uint64_t *value, kg_failure *failure) {
  (void)failure;
  do {
    arc4random_buf(value, sizeof *value);
  } while (*value == 0);
  return KG_OK;
}

bool kg__cpu_has_crc32c(void) {
#if defined(__x86_64__)
  return kg__x86_has_crc32c();
#else
  /* Every Mac with such a CPU has it. */
  return true;
#endif
}
