/* A Shield in C for tests, which does what its standard input says and beats
 * twice a second. Usage: c-shield DIRECTORY [MAX_EVENTS]
 *
 *   write N [PAUSE_MICROS]   writes N threats, one by one
 *   batch N                  writes N threats at once
 *   end                      closes the ring and ends, as the end of its input
 *
 * Each answer is a line: `ready GENERATION SEQUENCE` when it has the ring, then
 * `at SEQUENCE` or `error CODE`. What a threat holds follows from its sequence;
 * every hundredth is Critical. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kg_ipc.h"

#define BEAT_MS 500
#define CRITICAL_EVERY 100

static kg_writer *writer;

static uint64_t last_sequence(void) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats.sequence;
}

static void report(int64_t result) {
  if (result < 0) {
    printf("error %s\n", kg_error_code((int)result));
  } else {
    printf("at %" PRIu64 "\n", last_sequence());
  }
}

/* Writes or stages what the threat of this sequence holds. */
static int64_t put(uint64_t sequence,
                   int64_t (*write)(kg_writer *, const kg_threat *)) {
  char details[32];
  int length = snprintf(details, sizeof details, "event %" PRIu64, sequence);
  const kg_threat threat = {
      .threat_type = KG_THREAT_PATH_TRAVERSAL,
      .severity = sequence % CRITICAL_EVERY == 0 ? KG_SEVERITY_CRITICAL
                                                 : KG_SEVERITY_LOW,
      .blocked = sequence % 2 == 0,
      .source = {"c", 1},
      .details = {details, (size_t)length},
  };
  return write(writer, &threat);
}

static int64_t stage(kg_writer *to, const kg_threat *threat) {
  return kg_writer_stage(to, threat);
}

static void write_each(long count, long pause_micros) {
  const struct timespec pause = {.tv_sec = pause_micros / 1000000,
                                 .tv_nsec = pause_micros % 1000000 * 1000};
  int64_t result = 0;
  for (long i = 0; i < count && result >= 0; i++) {
    result = put(last_sequence() + 1, kg_writer_write);
    if (pause_micros > 0) {
      nanosleep(&pause, NULL);
    }
  }
  report(result);
}

static void write_batch(long count) {
  uint64_t before = last_sequence();
  int64_t result = 0;
  for (long i = 1; i <= count && result >= 0; i++) {
    result = put(before + (uint64_t)i, stage);
  }
  report(result < 0 ? result : kg_writer_commit(writer));
}

/* Waits for input, and beats meanwhile. */
static void wait_for_input(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  while (poll(&input, 1, BEAT_MS) == 0) {
    kg_writer_beat(writer, NULL);
  }
}

int main(int argc, char **argv) {
  const kg_ring_options options = {
      .struct_size = sizeof options,
      .dir = argc > 1 ? argv[1] : NULL,
      .max_events = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0};
  kg_failure failure;
  int result = kg_writer_open(&options, &writer, &failure);
  if (result != KG_OK) {
    printf("error %s\n", kg_error_code(result));
    return 1;
  }
  /* Lines would wait in it while poll() sees nothing. */
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  kg_ring_info info;
  kg_writer_info(writer, &info);
  printf("ready %016" PRIx64 " %" PRIu64 "\n", info.generation,
         last_sequence());
  char line[64];
  for (wait_for_input(); fgets(line, sizeof line, stdin); wait_for_input()) {
    long count = 0;
    long pause_micros = 0;
    if (sscanf(line, "write %ld %ld", &count, &pause_micros) > 0) {
      write_each(count, pause_micros);
    } else if (sscanf(line, "batch %ld", &count) > 0) {
      write_batch(count);
    } else {
      break;
    }
  }
  kg_writer_close(writer);
  return 0;
}
