/* The wake file as a file, as Linux and macOS share it: how it is made, found
 * and told from others. How it wakes is the system's. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix.h"

#define OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* What the file holds: its id, which tells it from others of that name. */
#define WAKE_FILE_BYTES ((ssize_t)sizeof(uint64_t))

/* Whether a descriptor is a wake file of this user that is closed to others. */
static bool is_wake_file(int fd, uint64_t *inode, uint64_t *id) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_uid != geteuid() || info.st_nlink != 1 ||
      (info.st_mode & 077) != 0) {
    return false;
  }
  *inode = (uint64_t)info.st_ino;
  return pread(fd, id, sizeof *id, 0) == WAKE_FILE_BYTES && *id != 0;
}

static int open_named(const kg__dir *dir, const char *name, uint64_t *inode,
                      uint64_t *id) {
  int fd = openat((int)dir->handle, name, O_RDONLY | OPEN_FLAGS);
  if (fd >= 0 && !is_wake_file(fd, inode, id)) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Makes a new one. It counts once the header names it, so it need not be whole
 * at once. */
static bool create(const kg__dir *dir, const char *name) {
  uint64_t id;
  if (kg__random(&id, NULL) != KG_OK) {
    return false;
  }
  unlinkat((int)dir->handle, name, 0);
  int fd = openat((int)dir->handle, name,
                  O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
  if (fd < 0) {
    return false;
  }
  /* The umask may have taken bits away. */
  bool made =
      fchmod(fd, 0600) == 0 && write(fd, &id, sizeof id) == WAKE_FILE_BYTES;
  close(fd);
  return made;
}

int kg__wake_file_open(const kg__dir *dir, const char *name, uint64_t id,
                       kg__wake_file *file) {
  *file = KG__WAKE_FILE_NONE;
  if (id != 0) {
    file->handle = open_named(dir, name, &file->inode, &file->id);
  }
  if (file->handle >= 0 && file->id == id) {
    return KG_OK;
  }
  kg__wake_file_close(file);
  return KG_E_NO_RING;
}

static bool is_named(const kg__dir *dir, const char *name,
                     const kg__wake_file *file) {
  struct stat info;
  return file->id != 0 &&
         fstatat((int)dir->handle, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(info.st_mode) && (uint64_t)info.st_ino == file->inode &&
         info.st_size >= WAKE_FILE_BYTES;
}

void kg__wake_file_keep(kg__dir *dir, const char *name, kg__wake_file *file) {
  if (is_named(dir, name, file)) {
    return;
  }
  kg__wake_file_close(file);
  /* Where there are huge pages alone (hugetlbfs), nothing can be written. */
  if (kg__dir_page_bytes(dir) > kg__page_bytes()) {
    return;
  }
  int fd = open_named(dir, name, &file->inode, &file->id);
  /* Root opens what has lost its permissions, and others then cannot. */
  if ((fd < 0 || fchmod(fd, 0600) != 0) && create(dir, name)) {
    if (fd >= 0) {
      close(fd);
    }
    fd = open_named(dir, name, &file->inode, &file->id);
  }
  file->handle = fd;
  if (fd < 0) {
    *file = KG__WAKE_FILE_NONE;
  }
}

void kg__wake_file_close(kg__wake_file *file) {
  if (file->handle >= 0) {
    close((int)file->handle);
  }
  *file = KG__WAKE_FILE_NONE;
}
