/* A Shield that overwrites nothing which a reliable reader has not taken:
 * writes COUNT threats, and waits where the ring is full. Usage: reject
 * DIRECTORY COUNT
 *
 * Readers that open the ring with `reliable` are waited for, five seconds each
 * unless reader_timeout_ms says otherwise. Where there are none, nothing is
 * full. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kg_ipc.h"
#include "print.h"

/* Ends a wait that no reader ends, to look whether it shall go on. */
#define WAIT_MS 1000

/* Returns its sequence, or an error. */
static int64_t write_patiently(kg_writer *writer, const kg_threat *threat) {
  /* So many slots it takes: one for most. */
  int64_t slots = kg_threat_span(threat);
  int64_t result = slots < 0 ? slots : kg_writer_write(writer, threat);
  while (result == KG_E_RING_FULL) {
    /* KG_E_RING_FULL again when the time is over: a daemon may give up then, or
     * drop what matters least. */
    int waited = kg_writer_wait_for_space(writer, (uint32_t)slots, WAIT_MS);
    if (waited != KG_OK && waited != KG_E_RING_FULL) {
      return waited;
    }
    result = kg_writer_write(writer, threat);
  }
  return result;
}

int main(int argc, char **argv) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argc > 1 ? argv[1] : NULL,
                                   .max_events = 64,
                                   .rejects = true};
  const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
  kg_writer *writer;
  kg_failure failure;
  if (kg_writer_open(&options, &writer, &failure) != KG_OK) {
    return print_failure("open", &failure);
  }
  int64_t result = 0;
  for (uint64_t i = 0; i < count && result >= 0; i++) {
    char details[32];
    int length = snprintf(details, sizeof details, "details %" PRIu64, i + 1);
    const kg_threat threat = {.threat_type = KG_THREAT_RATE_LIMIT_VIOLATION,
                              .severity = KG_SEVERITY_LOW,
                              .source = {"reject", 6},
                              .details = {details, (size_t)length}};
    result = write_patiently(writer, &threat);
  }
  if (result < 0) {
    kg_writer_error(writer, &failure);
    print_failure("write", &failure);
  } else {
    kg_writer_stats stats;
    kg_writer_stats_get(writer, &stats);
    printf("published %" PRIu64 ", waited %" PRIu64 " times\n", stats.published,
           stats.rejected);
  }
  kg_writer_close(writer);
  return result < 0 ? 1 : 0;
}
