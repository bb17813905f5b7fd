/* Prints, as JSON, what JavaScript and the documentation repeat of the headers.
 * generate.js compiles and runs it, so that the compiler says what they are. */
#include <stdio.h>

#include "../addon/protocol.h"
#include "../file/reader.h"
#include "../include/kg_ipc.h"

static void print(const char *key, const char *names, const long *values,
                  size_t count) {
  printf(",\n\"%s\": [\"%s\"", key, names);
  for (size_t i = 0; i < count; i++) {
    printf(", %ld", values[i]);
  }
  printf("]");
}

/* "key": ["the expressions, as they stand here", value, value ...] */
#define PRINT(key, ...)                                 \
  print(key, #__VA_ARGS__, (const long[]){__VA_ARGS__}, \
        sizeof(const long[]){__VA_ARGS__} / sizeof(long))

/* JavaScript has these as lists. */
static_assert(KG_FROM_SEQUENCE == 2 && KG_LOSS_EVICTED == 4 &&
                  KG_WRITER_GONE == 2 && KG_HUGE_OFF == 2,
              "0, 1, 2 ...");

#define AT(field) offsetof(kg_slot, field)

int main(void) {
  printf("{\"errors\": [");
  /* A quote or a backslash in a text would make JSON.parse complain. */
#define X(name, number, what, advice)                                         \
  printf("%s{\"number\": %d, \"code\": \"ERR_" #name "\", \"what\": \"%s\", " \
         "\"advice\": \"%s\"}\n",                                             \
         number == KG_E_NO_RING ? "" : ",", number, what, advice);
  KG_ERROR_MAP(X)
#undef X
  printf("]");
  PRINT("LAYOUT", KG_SLOT_BYTES, KG_SOURCE_BYTES, KG_DETAILS_BYTES,
        KG_EVENT_BYTES, KG_FIELD_HEADER_BYTES, KG_FIELD_SOURCE,
        KG_FIELD_DETAILS, KG_FIELD_ID, KG_FIELD_CONTEXT, KG_EVENT_DEFLATED,
        KG_EVENT_PRIORITY, KG_EVENT_CUT, KG_REGION_ALIGNMENT, KG_SLOTS_OFFSET,
        KG_MIN_CAPACITY, KG_MAX_CAPACITY, KG_DEFAULT_EVENTS,
        KG_MIN_PRIORITY_EVENTS, KG_MAX_PRIORITY_EVENTS,
        KG_DEFAULT_PRIORITY_EVENTS, KG_PRIORITY_NONE, KG_MAX_SPAN,
        KG_BATCH_DIVISOR);
  PRINT("OFFSETS", AT(sequence), AT(publish_ns), AT(span), AT(source_used),
        AT(flags), AT(tail_bytes), AT(body), AT(body.event.timestamp_us),
        AT(body.event.threat_type), AT(body.event.severity),
        AT(body.event.source), AT(body.event.details), AT(priority_count));
  PRINT("FROM", KG_FROM_LATEST, KG_FROM_OLDEST, KG_FROM_SEQUENCE);
  PRINT("LOSS", KG_LOSS_NONE, KG_LOSS_OVERWRITTEN, KG_LOSS_CORRUPT,
        KG_LOSS_BEFORE_JOIN, KG_LOSS_EVICTED);
  PRINT("WRITER", KG_WRITER_LIVE, KG_WRITER_STALLED, KG_WRITER_GONE);
  PRINT("HUGE", KG_HUGE_AUTO, KG_HUGE_REQUIRE, KG_HUGE_OFF);
  PRINT("READ", KG_READ_LOST, KG_READ_LOST_FROM, KG_READ_LOST_TO,
        KG_READ_LOST_PRIORITY, KG_READ_LOSS_REASON, KG_READ_SLOTS_NEEDED,
        KG_READ_MORE, KG_READ_NOW_NS, KG_READ_TIMED_FROM, KG_READ_FIELDS);
  PRINT("STAGE", KG_STAGE_TYPE, KG_STAGE_FACTS, KG_STAGE_TIMESTAMP,
        KG_STAGE_SOURCE, KG_STAGE_DETAILS, KG_STAGE_COLUMNS);
  PRINT("LAYOUT_VERSION", KG_LAYOUT_VERSION);
  PRINT("LIMITS", KG_UNKNOWN, KG_STATE_ERROR, KG_STATE_UNREAD, KG_STAGE_BLOCKED,
        KG_STAGE_MOST, KG_NUMA_INTERLEAVE);
  printf("}\n");
  return 0;
}
