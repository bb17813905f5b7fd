/* Directories, files and memory, as Linux and macOS share them. */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/step.h"

/* --- Directories -------------------------------------------------------- */

static int check_dir(int fd, const char *path, kg_failure *failure) {
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return kg__posix_fail(failure, "fstat", path, "");
  }
  if (info.st_uid != geteuid()) {
    return kg__fail(failure, KG_E_UNSAFE_PATH, 0,
                    "%s belongs to user %ld, not to %ld", path,
                    (long)info.st_uid, (long)geteuid());
  }
  if ((info.st_mode & 077) != 0) {
    return kg__fail(failure, KG_E_UNSAFE_PATH, 0,
                    "%s is open to others (mode %04o, not 0700)", path,
                    (unsigned)(info.st_mode & 07777));
  }
  return KG_OK;
}

int kg__dir_open(const char *path, bool create, kg__dir *dir,
                 kg_failure *failure) {
  size_t length = strlen(path);
  char base[KG_PATH_BYTES] = "";
  bool made = false;
  dir->handle = -1;
  /* "dir/" would follow a link in the place of dir. */
  while (length > 1 && path[length - 1] == '/') {
    length--;
  }
  /* Made absolute once: a process that changes its directory, as daemons do,
   * must not take the ring along. */
  if (path[0] != '/' && getcwd(base, sizeof base) == NULL) {
    return kg__posix_fail(failure, "getcwd", path, "");
  }
  size_t before = path[0] == '/' ? 0 : strlen(base) + 1;
  if (length == 0 || before + length >= sizeof dir->path) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "dir has %zu bytes, 1 to %zu will do", length,
                    sizeof dir->path - before - 1);
  }
  if (before > 0) {
    memcpy(dir->path, base, before - 1);
    dir->path[before - 1] = '/';
  }
  memcpy(dir->path + before, path, length);
  dir->path[before + length] = '\0';
  if (create) {
    made = mkdir(dir->path, 0700) == 0;
    KG__STEP("directory made");
    if (!made && errno == ENOENT) {
      return kg__fail(failure, KG_E_INVALID_OPTION, ENOENT,
                      "dir %s: the directory above it does not exist",
                      dir->path);
    }
    if (!made && errno != EEXIST) {
      return kg__posix_fail(failure, "mkdir", dir->path, "");
    }
  }
  int fd = kg__posix_open_dir(dir->path);
  if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
    return kg__fail(failure, KG_E_UNSAFE_PATH, errno,
                    "%s is no directory, or a link to one", dir->path);
  }
  if (fd < 0) {
    return kg__posix_fail(failure, "open", dir->path, "");
  }
  int result = check_dir(fd, dir->path, failure);
  if (result == KG_E_UNSAFE_PATH && made) {
    result = kg__fail(failure, KG_E_UNSAFE_PATH, 0,
                      "%s was made for its owner alone and is not: its file "
                      "system keeps no permissions",
                      dir->path);
  }
  /* The umask may have taken bits away, and its maker may have died before it
   * gave them back; the handle, not the path, says whose permissions change. */
  if (result == KG_OK && create && kg__posix_make_dir_private(fd) != 0) {
    result = kg__posix_fail(failure, "chmod", dir->path, "");
  }
  if (result != KG_OK) {
    close(fd);
    return result;
  }
  dir->handle = fd;
  return KG_OK;
}

void kg__dir_close(kg__dir *dir) {
  if (dir->handle >= 0) {
    close((int)dir->handle);
    dir->handle = -1;
  }
}

bool kg__dir_is_named(const kg__dir *dir) {
  struct stat named;
  struct stat opened;
  return lstat(dir->path, &named) == 0 &&
         fstat((int)dir->handle, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

void kg__dir_sweep(kg__dir *dir, const char *prefix, size_t between,
                   const char *suffix) {
  /* A handle of its own: reading moves the position of a shared one. */
  int fd = openat((int)dir->handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  if (stream == NULL) {
    if (fd >= 0) {
      close(fd);
    }
    return;
  }
  size_t before = strlen(prefix);
  size_t after = strlen(suffix);
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    size_t length = strlen(entry->d_name);
    if (length == before + between + after &&
        memcmp(entry->d_name, prefix, before) == 0 &&
        memcmp(entry->d_name + length - after, suffix, after) == 0) {
      unlinkat((int)dir->handle, entry->d_name, 0);
    }
  }
  closedir(stream);
}

/* --- Files -------------------------------------------------------------- */

/* Fills `file` if `fd` is a file that may be used, and closes it otherwise. */
static int adopt_file(int fd, kg__dir *dir, const char *name, kg__file *file,
                      kg_failure *failure) {
  struct stat info;
  const char *wrong = NULL;
  if (fstat(fd, &info) != 0) {
    int result = kg__posix_fail(failure, "fstat", dir->path, name);
    close(fd);
    return result;
  }
  if (!S_ISREG(info.st_mode)) {
    wrong = "is not a regular file";
  } else if (info.st_uid != geteuid()) {
    wrong = "belongs to another user";
  } else if (info.st_nlink > 1) {
    wrong = "has a second name (hard link)";
  } else if ((info.st_mode & 077) != 0) {
    wrong = "is open to others (its mode is not 0600)";
  }
  if (wrong != NULL) {
    close(fd);
    return kg__fail(failure, KG_E_UNSAFE_PATH, 0, "%s/%s %s", dir->path, name,
                    wrong);
  }
  *file = (kg__file){.handle = fd,
                     .device = (uint64_t)info.st_dev,
                     .inode = (uint64_t)info.st_ino};
  return KG_OK;
}

/* O_NONBLOCK keeps a pipe in the file's place from holding us up. */
#define OPEN_FLAGS (O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int kg__file_open(kg__dir *dir, const char *name, kg__file *file,
                  kg_failure *failure) {
  *file = KG__FILE_NONE;
  int fd = openat((int)dir->handle, name, OPEN_FLAGS);
  if (fd < 0) {
    if (errno == EISDIR || errno == ELOOP) {
      return kg__fail(failure, KG_E_UNSAFE_PATH, errno, "%s/%s is a %s",
                      dir->path, name,
                      errno == ELOOP ? "symbolic link" : "directory");
    }
    return kg__posix_fail(failure, "open", dir->path, name);
  }
  return adopt_file(fd, dir, name, file, failure);
}

static int create_exclusive(kg__dir *dir, const char *name, int *fd,
                            kg_failure *failure) {
  *fd = openat((int)dir->handle, name, OPEN_FLAGS | O_CREAT | O_EXCL, 0600);
  if (*fd < 0) {
    return kg__posix_fail(failure, "create", dir->path, name);
  }
  KG__STEP("file created");
  /* The umask may have taken bits away. */
  if (fchmod(*fd, 0600) != 0) {
    int result = kg__posix_fail(failure, "fchmod", dir->path, name);
    close(*fd);
    unlinkat((int)dir->handle, name, 0);
    return result;
  }
  return KG_OK;
}

/* Mends a file of ours whose maker died before its fchmod, under a umask that
 * keeps even its owner out. */
static bool mend_mode(kg__dir *dir, const char *name) {
  struct stat info;
  return fstatat((int)dir->handle, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
         info.st_nlink == 1 && (info.st_mode & 077) == 0 &&
         fchmodat((int)dir->handle, name, 0600, AT_SYMLINK_NOFOLLOW) == 0;
}

int kg__file_open_or_create(kg__dir *dir, const char *name, kg__file *file,
                            kg_failure *failure) {
  int fd;
  int result = kg__file_open(dir, name, file, failure);
  if (result == KG_E_ACCESS && mend_mode(dir, name)) {
    result = kg__file_open(dir, name, file, failure);
  }
  if (result != KG_E_NO_RING) {
    return result;
  }
  kg_failure ours;
  result = create_exclusive(dir, name, &fd, &ours);
  if (result != KG_OK && ours.system_error == EEXIST) {
    return kg__file_open(dir, name, file, failure);
  }
  return result == KG_OK ? adopt_file(fd, dir, name, file, failure)
                         : kg__fail_as(failure, &ours);
}

/* `placement`: NULL for the pages that the system takes by itself. */
static int create_file(kg__dir *dir, const char *name, uint64_t size,
                       const kg__placement *placement, kg__file *file,
                       kg_failure *failure) {
  int fd;
  *file = KG__FILE_NONE;
  int result = create_exclusive(dir, name, &fd, failure);
  if (result != KG_OK) {
    return result;
  }
  errno = placement == NULL ? kg__posix_allocate(fd, size)
                            : kg__posix_allocate_placed(fd, size, placement);
  if (errno != 0) {
    result = kg__posix_fail(failure, "allocate", dir->path, name);
    close(fd);
  } else {
    KG__STEP("file allocated");
    result = adopt_file(fd, dir, name, file, failure);
  }
  if (result != KG_OK) {
    unlinkat((int)dir->handle, name, 0);
  }
  return result;
}

int kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                    kg__file *file, kg_failure *failure) {
  return create_file(dir, name, size, NULL, file, failure);
}

int kg__file_create_placed(kg__dir *dir, const char *name, uint64_t size,
                           const kg__placement *placement, kg__file *file,
                           kg_failure *failure) {
  return create_file(dir, name, size, placement, file, failure);
}

int kg__file_rename(kg__dir *dir, const char *from, const char *to,
                    kg_failure *failure) {
  return renameat((int)dir->handle, from, (int)dir->handle, to) == 0
             ? KG_OK
             : kg__posix_fail(failure, "rename", dir->path, to);
}

void kg__file_remove(kg__dir *dir, const char *name) {
  unlinkat((int)dir->handle, name, 0);
}

int kg__file_size(const kg__file *file, uint64_t *size, kg_failure *failure) {
  struct stat info;
  if (fstat((int)file->handle, &info) != 0) {
    return kg__posix_fail(failure, "fstat", "the ring", "");
  }
  *size = (uint64_t)info.st_size;
  return KG_OK;
}

bool kg__file_is_named(const kg__dir *dir, const char *name,
                       const kg__file *file) {
  /* By path, so that a directory that was moved away takes its files along;
   * one call, because readers ask five times a second. */
  char path[KG_PATH_BYTES + 256];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", dir->path, name);
  return lstat(path, &info) == 0 && (uint64_t)info.st_dev == file->device &&
         (uint64_t)info.st_ino == file->inode;
}

void kg__file_close(kg__file *file) {
  if (file->handle >= 0) {
    kg__posix_close((int)file->handle);
    *file = KG__FILE_NONE;
  }
}

void kg__posix_read_text(const char *path, char *text, size_t bytes) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, bytes - 1);
  text[length < 0 ? 0 : length] = '\0';
  if (fd >= 0) {
    close(fd);
  }
}

/* --- Memory ------------------------------------------------------------- */

int kg__map(const kg__file *file, size_t length, size_t writable_offset,
            size_t writable_length, void **base, kg_failure *failure) {
  void *mapped =
      mmap(NULL, length, PROT_READ, MAP_SHARED, (int)file->handle, 0);
  if (mapped == MAP_FAILED && (errno == ENODEV || errno == EOPNOTSUPP)) {
    return kg__posix_fail_unsupported(failure, "maps no files");
  }
  if (mapped == MAP_FAILED) {
    return kg__posix_fail(failure, "mmap", "the ring", "");
  }
  /* A child has no such mapping, and must be able to tell that it is one. */
  kg__posix_watch_forks();
  kg__posix_forbid_inheritance(mapped, length);
  if (writable_length > 0 &&
      mprotect((char *)mapped + writable_offset, writable_length,
               PROT_READ | PROT_WRITE) != 0) {
    int result = kg__posix_fail(failure, "mprotect", "the ring", "");
    munmap(mapped, length);
    return result;
  }
  *base = mapped;
  return KG_OK;
}

void kg__unmap(void *base, size_t length) {
  munmap(base, length);
}

uint32_t kg__page_bytes(void) {
  return (uint32_t)sysconf(_SC_PAGESIZE);
}

/* --- Clocks and the rest ------------------------------------------------ */

uint64_t kg__posix_clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t kg__posix_fold(const char *text) {
  uint64_t id = 0;
  for (size_t i = 0; text[i] != '\0'; i++) {
    /* FNV's step: it only has to be folded. */
    id = (id ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
  }
  return id;
}

uint64_t kg__clock_wall_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void kg__sleep(uint64_t ns) {
  const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                                .tv_nsec = (long)(ns % 1000000000)};
  nanosleep(&time, NULL);
}

uint32_t kg__process_id(void) {
  return (uint32_t)getpid();
}
