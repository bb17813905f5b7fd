/* What the files for Windows (win32_*.c) need from each other. */
#ifndef KG_WIN32_H
#define KG_WIN32_H

#include <windows.h>

#include "platform.h"

/* More bytes than any name of ours has. */
#define KG__NAME_BYTES 256

/* --- Errors: win32_error.c ----------------------------------------------- */

/* Fails with what an error of the system's means: "dir\name: call: text". */
int kg__win32_fail_as(kg_failure *failure, DWORD error, const char *call,
                      const char *dir, const char *name);

/* The same with the last error of this thread. */
int kg__win32_fail(kg_failure *failure, const char *call, const char *dir,
                   const char *name);

/* The same for a call that some file systems do not have: those lack what a
 * ring needs, and do not do `lack`, as "locks no files" (KG_E_SHM_UNAVAILABLE).
 */
int kg__win32_fail_lacking(kg_failure *failure, DWORD error, const char *call,
                           const char *lack);

/* --- Paths: win32_path.c -------------------------------------------------- */

/* Units of the longest path in UTF-16: no path has more of them than bytes in
 * UTF-8, and there may be a prefix and a file's name. */
#define KG__WIDE_UNITS (KG_PATH_BYTES + 256)

/* Makes a path absolute and gives it the one form in which it is compared:
 * backslashes, none at its end, and no prefix. KG_E_INVALID_OPTION. */
int kg__win32_normalize(const wchar_t *path, char normal[KG_PATH_BYTES],
                        kg_failure *failure);

/* The path of `name` in a directory, or with an empty name of the directory
 * itself, for system calls: of any length, and no name in it is a device. */
void kg__win32_path(const char *dir, const char *name,
                    wchar_t path[KG__WIDE_UNITS]);

/* UTF-8 to UTF-16; false where it is neither valid nor short enough. */
bool kg__win32_widen(const char *text, wchar_t *wide, int units);

/* The other way; false where it is not short enough. */
bool kg__win32_narrow(const wchar_t *wide, char *text, int bytes);

/* --- Owners: win32_owner.c ------------------------------------------------ */

/* What is made with these belongs to this user, and nobody else may use it.
 * NULL, with the last error, when the system does not say who this user is. */
SECURITY_ATTRIBUTES *kg__win32_owner_only(void);

/* KG_E_UNSAFE_PATH unless a file or directory belongs to this user and is
 * closed to all others but those whom nothing is closed to. */
int kg__win32_check_owner(HANDLE handle, const char *dir, const char *name,
                          kg_failure *failure);

/* --- Files: win32_file.c -------------------------------------------------- */

/* Opens a file for reading and writing as kg__file_open does, without asking
 * whether its name is one of a ring. `disposition` is CreateFile's. */
int kg__win32_open(const kg__dir *dir, const char *name, DWORD disposition,
                   kg__file *file, kg_failure *failure);

/* Which file or directory a handle is of; false when that cannot be told. */
bool kg__win32_identify(HANDLE handle, uint64_t *device, uint64_t *inode);

/* The same of what has a path now. */
bool kg__win32_identify_path(const wchar_t *path, uint64_t *device,
                             uint64_t *inode);

/* --- The file with a ring's name: win32_pointer.c --------------------------
 */

/* Whether files of this name say which file is the ring. */
bool kg__win32_is_pointer(const char *name);

/* The name of the file that `name` leads to now. KG_E_NO_RING when there is
 * none, KG_E_RING_INVALID when it does not say. */
int kg__win32_follow(const kg__dir *dir, const char *name,
                     char target[KG__NAME_BYTES], kg_failure *failure);

#endif
