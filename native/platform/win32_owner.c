/* Who may reach a file: this user alone, and those whom nothing is closed to,
 * the system itself and its administrators. */
#include "win32.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>

/* What GetTokenInformation writes: a pointer, and the user behind it. */
typedef union token_user {
  TOKEN_USER user;
  BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
} token_user;

/* Found out once, by whoever asks first. */
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static token_user self;
static SECURITY_ATTRIBUTES owner_only;
static DWORD wrong;

/* Text of a security descriptor: O is the owner, D:P a list of its own that
 * takes nothing from the directory above, FA all access, OICI for what is made
 * inside, too. */
#define OWNER_ONLY L"O:%lsD:P(A;OICI;FA;;;%ls)"
#define SID_UNITS 200

static bool read_self(void) {
  HANDLE token;
  DWORD length;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return false;
  }
  bool is_read =
      GetTokenInformation(token, TokenUser, &self, sizeof self, &length) != 0;
  CloseHandle(token);
  return is_read;
}

static bool describe_self(void) {
  wchar_t text[2 * SID_UNITS + 32];
  wchar_t *sid;
  if (!ConvertSidToStringSidW(self.user.User.Sid, &sid)) {
    return false;
  }
  swprintf(text, sizeof text / sizeof *text, OWNER_ONLY, sid, sid);
  LocalFree(sid);
  owner_only.nLength = sizeof owner_only;
  return ConvertStringSecurityDescriptorToSecurityDescriptorW(
             text, SDDL_REVISION_1, &owner_only.lpSecurityDescriptor, NULL) !=
         0;
}

static BOOL CALLBACK find_out(PINIT_ONCE unused, PVOID parameter,
                              PVOID *context) {
  (void)unused;
  (void)parameter;
  (void)context;
  wrong = read_self() && describe_self() ? ERROR_SUCCESS : GetLastError();
  return TRUE;
}

SECURITY_ATTRIBUTES *kg__win32_owner_only(void) {
  InitOnceExecuteOnce(&once, find_out, NULL, NULL);
  SetLastError(wrong);
  return wrong == ERROR_SUCCESS ? &owner_only : NULL;
}

static bool is_trusted(PSID sid) {
  return EqualSid(sid, self.user.User.Sid) ||
         IsWellKnownSid(sid, WinLocalSystemSid) ||
         IsWellKnownSid(sid, WinBuiltinAdministratorsSid);
}

/* The owner under another name, who is asked for apart. */
static bool is_owner_rights(PSID sid) {
  return IsWellKnownSid(sid, WinCreatorOwnerRightsSid);
}

/* Whether an entry opens the file to somebody who is not trusted. */
static bool is_open_to_others(const ACE_HEADER *entry) {
  switch (entry->AceType) {
  case ACCESS_DENIED_ACE_TYPE:
  case ACCESS_DENIED_OBJECT_ACE_TYPE:
  case ACCESS_DENIED_CALLBACK_ACE_TYPE:
  case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
    return false;
  case ACCESS_ALLOWED_ACE_TYPE:
  case ACCESS_ALLOWED_CALLBACK_ACE_TYPE: {
    const ACCESS_ALLOWED_ACE *allowed = (const void *)entry;
    PSID sid = (PSID)(uintptr_t)&allowed->SidStart;
    return !is_trusted(sid) && !is_owner_rights(sid);
  }
  default:
    /* Nobody puts these on a file, so nobody knows whom they let in. */
    return true;
  }
}

/* Why a file with this owner and this list is not safe, or NULL. */
static const char *wrong_with(PSID owner, PACL list) {
  if (owner == NULL || !is_trusted(owner)) {
    return "belongs to another user";
  }
  if (list == NULL) {
    return "is open to everybody (it has no access list)";
  }
  for (DWORD i = 0; i < list->AceCount; i++) {
    void *entry;
    if (!GetAce(list, i, &entry)) {
      return "has an access list that cannot be read";
    }
    /* Such an entry is only there for what is made inside. */
    bool is_meant = (((ACE_HEADER *)entry)->AceFlags & INHERIT_ONLY_ACE) == 0;
    if (is_meant && is_open_to_others(entry)) {
      return "is open to others (its access list must name nobody but its "
             "owner, SYSTEM and Administrators)";
    }
  }
  return NULL;
}

int kg__win32_check_owner(HANDLE handle, const char *dir, const char *name,
                          kg_failure *failure) {
  PSID owner;
  PACL list;
  PSECURITY_DESCRIPTOR descriptor;
  if (kg__win32_owner_only() == NULL) {
    return kg__win32_fail(failure, "GetTokenInformation", dir, name);
  }
  DWORD error =
      GetSecurityInfo(handle, SE_FILE_OBJECT,
                      OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                      &owner, NULL, &list, NULL, &descriptor);
  if (error != ERROR_SUCCESS) {
    return kg__win32_fail_as(failure, error, "GetSecurityInfo", dir, name);
  }
  const char *why = wrong_with(owner, list);
  LocalFree(descriptor);
  return why == NULL ? KG_OK
                     : kg__fail(failure, KG_E_UNSAFE_PATH, 0, "%s%s%s %s", dir,
                                *name ? KG__SEPARATOR : "", name, why);
}
