/* Prints what a reader gets from a ring, one JSON object for each line, so that
 * a test can hold it against a test vector.
 *
 *   read DIRECTORY oldest
 *   read DIRECTORY latest
 *   read DIRECTORY after SEQUENCE PRIORITY   `null`: it is not known
 *
 * Begins with what the ring is. A library without zlib leaves a continuation
 * deflated, and the event is cut. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kg_ipc.h"

static uint64_t generation;

static void print_text(const char *name, kg_text text) {
  printf(",\"%s\":\"", name);
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.bytes[i];
    printf(c < ' ' || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
  }
  putchar('"');
}

static void print_threat(const kg_threat *threat) {
  printf("{\"threat\":{\"sequence\":%" PRIu64 ",\"timestampUs\":%" PRIu64
         ",\"threatType\":%" PRIu32 ",\"severity\":%u,\"blocked\":%s",
         threat->sequence, threat->timestamp_us, threat->threat_type,
         (unsigned)threat->severity, threat->blocked ? "true" : "false");
  print_text("source", threat->source);
  print_text("details", threat->details);
  char made[KG_ID_BYTES];
  kg_text id;
  (void)kg_threat_id(threat, generation, made, &id);
  print_text("id", id);
  if (threat->context.length > 0) {
    printf(",\"context\":%.*s", (int)threat->context.length,
           threat->context.bytes);
  }
  printf("%s}}\n", threat->cut ? ",\"cut\":true" : "");
}

static void print_priority(uint64_t priority) {
  if (priority == KG_PRIORITY_UNKNOWN) {
    printf("null");
  } else {
    printf("%" PRIu64, priority);
  }
}

static void print_loss(const kg_batch *batch) {
  static const char *const reasons[] = {[KG_LOSS_OVERWRITTEN] = "overwritten",
                                        [KG_LOSS_CORRUPT] = "corrupt",
                                        [KG_LOSS_BEFORE_JOIN] = "before-join",
                                        [KG_LOSS_EVICTED] = "evicted"};
  printf("{\"lost\":{\"count\":%" PRIu64 ",\"from\":%" PRIu64 ",\"to\":%" PRIu64
         ",\"priority\":",
         batch->lost, batch->lost_from, batch->lost_to);
  print_priority(batch->lost_priority);
  printf(",\"generation\":\"%016" PRIx64 "\",\"reason\":\"%s\"}}\n", generation,
         reasons[batch->loss_reason]);
}

static void print_info(const kg_ring_info *info) {
  printf("{\"generation\":\"%016" PRIx64 "\",\"capacity\":%" PRIu32
         ",\"priorityEvents\":%" PRIu32 ",\"checksums\":%s,\"predecessor\":",
         info->generation, info->capacity, info->priority_events,
         info->checksums ? "true" : "false");
  if (info->predecessor_generation == 0) {
    printf("null}\n");
    return;
  }
  printf("{\"generation\":\"%016" PRIx64 "\",\"sequence\":%" PRIu64
         ",\"priority\":",
         info->predecessor_generation, info->predecessor_sequence);
  print_priority(info->predecessor_priority);
  printf("}}\n");
}

/* 0 or an error. */
static int seek(kg_reader *reader, int argc, char **argv) {
  const char *how = argv[2];
  if (strcmp(how, "after") == 0 && argc == 5) {
    bool is_known = strcmp(argv[4], "null") != 0;
    return kg_reader_seek_after(reader, strtoull(argv[3], NULL, 10),
                                is_known ? strtoull(argv[4], NULL, 10)
                                         : KG_PRIORITY_UNKNOWN);
  }
  bool is_oldest = strcmp(how, "oldest") == 0;
  return kg_reader_seek(reader, is_oldest ? KG_FROM_OLDEST : KG_FROM_LATEST, 0);
}

static int read_all(kg_reader *reader, uint32_t slots) {
  void *buffer = calloc(slots, sizeof(kg_slot));
  void *scratch = calloc(slots, KG_EVENT_BYTES);
  void *inflated = malloc(KG_CONTINUATION_BYTES(KG_DEFAULT_EVENT_BYTES));
  kg_batch batch = {.more = true};
  bool has_memory = buffer != NULL && scratch != NULL && inflated != NULL;
  int result = has_memory ? KG_OK : KG_E_NO_MEMORY;
  while (result == KG_OK && batch.more) {
    uint32_t offset = 0;
    result = kg_reader_read(reader, buffer, slots, &batch);
    if (batch.loss_reason != KG_LOSS_NONE) {
      print_loss(&batch);
    }
    for (uint32_t i = 0; i < batch.events; i++) {
      kg_threat threat;
      /* A continuation that makes no sense leaves what was found whole. */
      (void)kg_event_decode_whole(buffer, &offset, scratch, inflated,
                                  KG_DEFAULT_EVENT_BYTES, &threat);
      print_threat(&threat);
    }
  }
  free(inflated);
  free(scratch);
  free(buffer);
  return result;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    return 2;
  }
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argv[1]};
  kg_reader *reader;
  kg_ring_info info;
  kg_failure failure;
  int result = kg_reader_open(&options, &reader, &failure);
  if (result != KG_OK) {
    printf("{\"error\":\"%s\"}\n", kg_error_code(result));
    return 0;
  }
  kg_reader_info(reader, &info);
  generation = info.generation;
  print_info(&info);
  result = seek(reader, argc, argv);
  if (result == KG_OK) {
    result = read_all(reader, info.capacity);
  }
  kg_reader_close(reader);
  return result == KG_OK ? 0 : 1;
}
