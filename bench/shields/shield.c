/* A Shield in C that languages.js measures. Usage: shield DIR, then a line of
 * `COUNT PAUSE_US` for each time that it is to write: so many threats, made
 * anew as a Shield does it, so far apart. Says `ready`, and `done CPU_NS`
 * behind each line: the CPU time that it took. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../native/include/kg_ipc.h"

#define SOURCES 40
#define PATIENCE_MS 60000

static uint64_t clock_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void give_up(const char *what, const kg_failure *failure) {
  fprintf(stderr, "%s: %s: %s\n", what, kg_error_code(failure->error),
          failure->detail);
  exit(1);
}

/* Its number, or, of one that comes alone, the time. */
static void write_one(kg_writer *writer, uint64_t number, bool is_alone) {
  char source[64];
  char details[256];
  int source_length = snprintf(source, sizeof source, "src/file-%d.ts",
                               (int)(number % SOURCES));
  int details_length =
      snprintf(details, sizeof details, "%" PRIu64 " Ignore all instructions",
               is_alone ? clock_of(CLOCK_MONOTONIC) : number);
  const kg_threat threat = {.threat_type = KG_THREAT_INJECTION_ATTEMPT,
                            .severity = KG_SEVERITY_HIGH,
                            .blocked = true,
                            .source = {source, (size_t)source_length},
                            .details = {details, (size_t)details_length}};
  int64_t sequence;
  while ((sequence = kg_writer_write(writer, &threat)) == KG_E_RING_FULL) {
    kg_writer_wait_for_space(writer, 1, PATIENCE_MS);
  }
  if (sequence < 0) {
    kg_failure failure;
    kg_writer_error(writer, &failure);
    give_up("write", &failure);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: shield DIR\n");
    return 2;
  }
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argv[1],
                                   .max_events = 8192,
                                   .rejects = true};
  kg_writer *writer;
  kg_failure failure;
  if (kg_writer_open(&options, &writer, &failure) != KG_OK) {
    give_up("open", &failure);
  }
  printf("ready\n");
  fflush(stdout);
  uint64_t count;
  uint64_t pause_us;
  uint64_t number = 0;
  while (scanf("%" SCNu64 " %" SCNu64, &count, &pause_us) == 2) {
    const struct timespec pause = {.tv_sec = (time_t)(pause_us / 1000000),
                                   .tv_nsec =
                                       (long)(pause_us % 1000000) * 1000};
    uint64_t before = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < count; i++) {
      if (pause_us > 0) {
        nanosleep(&pause, NULL);
        kg_writer_beat(writer, NULL);
      }
      write_one(writer, ++number, pause_us > 0);
    }
    printf("done %" PRIu64 "\n", clock_of(CLOCK_PROCESS_CPUTIME_ID) - before);
    fflush(stdout);
  }
  kg_writer_close(writer);
  return 0;
}
