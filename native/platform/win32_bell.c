/* The doorbell. WaitOnAddress does not reach other processes, so sleepers wait
 * on events that have names.
 *
 * There are two of them, and all but for a moment one is set: sleepers wait on
 * the other one. To ring is to set that and then to reset the first. With one
 * event alone, who goes to sleep again would have to reset what another one,
 * who has not yet begun to wait, is to be woken by. With two, that takes a
 * second ring in between; then the next ring wakes, or the look at the word
 * which a sleeper takes from time to time. */
#include "win32.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/atomic.h"

typedef struct events {
  HANDLE event[2];
} events;

#define NS_PER_MS UINT64_C(1000000)

/* How long a sleeper waits until it looks at the word: first for what was rung
 * while it fell asleep, then for what may have been between two waits. */
#define FIRST_LOOK_MS 20
#define LOOK_MS 200

/* Regions begin at multiples of this in the file, and so do views: what is left
 * of a word's address tells the words of a ring apart, in each process. */
#define REGION_BYTES 65536

static HANDLE open_event(const uint32_t *word, uint64_t generation, int index) {
  wchar_t name[80];
  swprintf(name, sizeof name / sizeof *name,
           L"Global\\kindly-guard-%016llx-%x-%d",
           (unsigned long long)generation,
           (unsigned)((uintptr_t)word % REGION_BYTES), index);
  /* Set by hand, and the first one is at the start. */
  return CreateEventW(kg__win32_owner_only(), TRUE, index == 0, name);
}

static void close_events(events *events) {
  for (int i = 0; i < 2; i++) {
    if (events->event[i] != NULL) {
      CloseHandle(events->event[i]);
    }
  }
  free(events);
}

void kg__bell_open(kg__bell *bell, const uint32_t *word, uint64_t generation) {
  *bell = (kg__bell){.word = word, .handle = 0};
  events *opened = calloc(1, sizeof *opened);
  if (opened == NULL) {
    return;
  }
  for (int i = 0; i < 2; i++) {
    opened->event[i] = open_event(word, generation, i);
  }
  if (opened->event[0] == NULL || opened->event[1] == NULL) {
    close_events(opened);
    return;
  }
  bell->handle = (intptr_t)opened;
}

static bool is_set(HANDLE event) {
  return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

/* Which of the two sleepers wait on. */
static int quiet_of(const events *events) {
  return is_set(events->event[0]) ? 1 : 0;
}

/* Relaxed: what has changed it rings behind that, so who misses it is woken. */
static bool is_rung(const kg__bell *bell, uint32_t expected) {
  return kg__load32_relaxed(bell->word) != expected;
}

static void nap(uint64_t most_ns) {
  kg__sleep(most_ns < NS_PER_MS ? most_ns : NS_PER_MS);
}

void kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t timeout_ns) {
  const events *events = (const void *)bell->handle;
  uint64_t left_ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);
  if (events == NULL) {
    nap(timeout_ns);
    return;
  }
  for (uint64_t look_ms = FIRST_LOOK_MS; left_ms > 0; look_ms = LOOK_MS) {
    uint64_t wait_ms = left_ms < look_ms ? left_ms : look_ms;
    int quiet = quiet_of(events);
    /* Chosen before the look: who rings behind that sets this very one. */
    kg__fence_seq_cst();
    if (is_rung(bell, expected)) {
      return;
    }
    if (WaitForSingleObject(events->event[quiet], (DWORD)wait_ms) !=
        WAIT_TIMEOUT) {
      /* Who died between setting the one and resetting the other left both set;
       * until the next ring, nobody may spin on that. */
      if (!is_rung(bell, expected) && is_set(events->event[1 - quiet])) {
        nap(timeout_ns);
      }
      return;
    }
    left_ms -= wait_ms;
  }
}

void kg__bell_ring(kg__bell *bell) {
  const events *events = (const void *)bell->handle;
  if (events != NULL) {
    int quiet = quiet_of(events);
    SetEvent(events->event[quiet]);
    ResetEvent(events->event[1 - quiet]);
  }
}

void kg__bell_close(kg__bell *bell) {
  if (bell->word != NULL && bell->handle != 0) {
    close_events((events *)bell->handle);
  }
  *bell = (kg__bell){.word = NULL, .handle = 0};
}
