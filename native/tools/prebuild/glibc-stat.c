/* zig's glibc stubs bring a stat() of their own for systems before glibc 2.33.
 * In a shared object it leaves its error in an errno of the object, which
 * nobody reads. These are what those systems have, with the real errno. */
#include <sys/stat.h>

#if defined(__x86_64__)
#define STAT_VERSION 1
#else
#define STAT_VERSION 0
#endif

int __xstat(int version, const char *path, struct stat *info);
int __lxstat(int version, const char *path, struct stat *info);
int __fxstat(int version, int fd, struct stat *info);
int __fxstatat(int version, int fd, const char *path, struct stat *info,
               int flags);

int stat(const char *path, struct stat *info) {
  return __xstat(STAT_VERSION, path, info);
}

int lstat(const char *path, struct stat *info) {
  return __lxstat(STAT_VERSION, path, info);
}

int fstat(int fd, struct stat *info) {
  return __fxstat(STAT_VERSION, fd, info);
}

int fstatat(int fd, const char *path, struct stat *info, int flags) {
  return __fxstatat(STAT_VERSION, fd, path, info, flags);
}
