/* Clocks, and which boot this is. */
#include "win32.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* The system's own unit of time. */
#define NS_PER_TICK UINT64_C(100)
/* Its years begin with 1601; so many of its ticks before 1970. */
#define TICKS_TO_1970 UINT64_C(116444736000000000)

uint64_t kg__clock_monotonic_ns(void) {
  LARGE_INTEGER counter;
  LARGE_INTEGER frequency;
  QueryPerformanceCounter(&counter);
  QueryPerformanceFrequency(&frequency);
  uint64_t count = (uint64_t)counter.QuadPart;
  uint64_t rate = (uint64_t)frequency.QuadPart;
  /* In two parts, since the product of all would not fit. */
  return count / rate * NS_PER_S + count % rate * NS_PER_S / rate;
}

uint64_t kg__clock_boot_ns(void) {
  /* That counter goes on while the machine sleeps. */
  return kg__clock_monotonic_ns();
}

/* The counter is read without a system call. */
void kg__clock_begin(kg__clock *clock) {
  *clock = (kg__clock){.has_ticks = false};
}

uint64_t kg__clock_ns(kg__clock *clock) {
  (void)clock;
  return kg__clock_monotonic_ns();
}

uint64_t kg__clock_wall_us(void) {
  FILETIME time;
  GetSystemTimePreciseAsFileTime(&time);
  uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
  return (ticks - TICKS_TO_1970) / (1000 / NS_PER_TICK);
}

/* Since Windows 10 1803. */
#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 2
#endif

void kg__sleep(uint64_t ns) {
  /* Sleep() ends with one of the clock's interrupts, up to 16 ms later. */
  LARGE_INTEGER due = {.QuadPart =
                           -(LONGLONG)((ns + NS_PER_TICK - 1) / NS_PER_TICK)};
  HANDLE timer =
      CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
                             TIMER_MODIFY_STATE | SYNCHRONIZE);
  if (timer == NULL || !SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE) ||
      WaitForSingleObject(timer, INFINITE) != WAIT_OBJECT_0) {
    Sleep((DWORD)((ns + NS_PER_MS - 1) / NS_PER_MS));
  }
  if (timer != NULL) {
    CloseHandle(timer);
  }
}

/* --- Boot ----------------------------------------------------------------- */

/* What NtQuerySystemInformation says of the time, number 3. */
typedef struct time_of_day {
  int64_t boot_time; /* moved along when the clock is set, as ... */
  int64_t current_time;
  int64_t time_zone_bias;
  uint32_t time_zone_id;
  uint32_t reserved;
  uint64_t boot_time_bias; /* ... this is */
  uint64_t sleep_time_bias;
} time_of_day;

#define TIME_OF_DAY 3

typedef LONG(NTAPI *query_function)(int what, void *buffer, ULONG bytes,
                                    ULONG *length);

uint64_t kg__boot_id(void) {
  time_of_day told = {0};
  HMODULE module = GetModuleHandleW(L"ntdll.dll");
  FARPROC found = module == NULL
                      ? NULL
                      : GetProcAddress(module, "NtQuerySystemInformation");
  /* By way of a function of no type: compilers warn of any other cast. */
  query_function query = (query_function)(void (*)(void))found;
  if (query == NULL || query(TIME_OF_DAY, &told, sizeof told, NULL) < 0) {
    return 0;
  }
  /* When this boot was, by the clock as it stood then. What the system calls
   * its boot's identifier is that of the entry in the boot menu. */
  return (uint64_t)told.boot_time - told.boot_time_bias;
}
