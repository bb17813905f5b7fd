/* What the addon asks of Node on Windows. An ordinary import names the program
 * that has the function, "node.exe", and an editor's program has another name.
 * So these are pointers of the addon's own, called as the compiler calls what
 * it takes for an import, and filled when the addon is loaded from whatever
 * program that is. FUNCTIONS(X) is a list that is made of what the addon's
 * objects ask for (zig.js). */
#include <windows.h>

#include "functions.h"

#define X(name) FARPROC __imp_##name;
FUNCTIONS(X)
#undef X

static const struct {
  const char *name;
  FARPROC *place;
} functions[] = {
#define X(name) {#name, &__imp_##name},
    FUNCTIONS(X)
#undef X
};

/* Fills them; false when the program that runs lacks one. */
static BOOL find_functions(void) {
  HMODULE program = GetModuleHandleW(NULL);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    FARPROC found = GetProcAddress(program, functions[i].name);
    if (found == NULL) {
      return FALSE;
    }
    *functions[i].place = found;
  }
  return TRUE;
}

/* Called by the system. The addon stays loaded when a worker that has loaded it
 * ends: what it has made for all threads lives on. */
BOOL WINAPI DllMain(HINSTANCE addon, DWORD reason, void *reserved) {
  HMODULE kept;
  (void)reserved;
  return reason != DLL_PROCESS_ATTACH ||
         (find_functions() &&
          GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN |
                                 GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                             (LPCWSTR)addon, &kept));
}
