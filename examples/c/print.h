/* What the examples print: threats, losses and errors. */
#ifndef PRINT_H
#define PRINT_H

#include <inttypes.h>
#include <stdio.h>

#include "kg_ipc.h"

/* The text is an attacker's: a terminal must not get it as it is. */
static inline void print_text(const char *name, kg_text text) {
  printf(" %s=\"", name);
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.bytes[i];
    printf(c < ' ' || c > '~' || c == '"' || c == '\\' ? "\\x%02x" : "%c", c);
  }
  putchar('"');
}

static inline void print_batch(const kg_batch *batch, const void *buffer,
                               void *scratch) {
  kg_threat threat;
  uint32_t offset = 0;
  if (batch->loss_reason != KG_LOSS_NONE && batch->lost == KG_LOST_UNKNOWN) {
    printf("lost, nobody knows how many\n");
  } else if (batch->loss_reason != KG_LOSS_NONE) {
    printf("lost %" PRIu64 ": %" PRIu64 " to %" PRIu64 "\n", batch->lost,
           batch->lost_from, batch->lost_to);
  }
  for (uint32_t i = 0; i < batch->events; i++) {
    /* A tail that makes no sense leaves the first bytes of each text. */
    (void)kg_event_decode(buffer, &offset, scratch, &threat);
    printf("%" PRIu64 " type=%" PRIu32 " severity=%u blocked=%d",
           threat.sequence, threat.threat_type, (unsigned)threat.severity,
           threat.blocked);
    print_text("source", threat.source);
    print_text("details", threat.details);
    print_text("id", threat.id);
    print_text("context", threat.context);
    putchar('\n');
  }
  fflush(stdout);
}

/* Returns what main returns then. */
static inline int print_failure(const char *what, const kg_failure *failure) {
  fprintf(stderr, "%s: %s: %s (%s). %s\n", what, kg_error_code(failure->error),
          kg_error_what(failure->error), failure->detail,
          kg_error_advice(failure->error));
  return 1;
}

#endif
