/* usage: instructions DIR VARIANT, `checked` or `plain`. Sends events and
 * receives them in one process, for a tool that counts the instructions of
 * send_all() or of receive_all(): each gets EVENTS of them, and what stands
 * outside of the two, such as looking at what came, does not count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/include/kg_ipc.h"

#define EVENTS 16384
#define BATCH 64
#define SLOTS 1024

/* It has a name and is called, whatever the compiler thinks of it. */
#define COUNTED __attribute__((noinline, noclone))

static char text[KG_DETAILS_BYTES];
static kg_threat sent[BATCH];
static kg_threat received[BATCH];
static kg_slot buffer[BATCH];
static unsigned char scratch[BATCH * KG_EVENT_BYTES];

static void give_up(const char *what, const kg_failure *failure) {
  fprintf(stderr, "%s: %d, %s\n", what, failure->error, failure->detail);
  exit(1);
}

COUNTED static int64_t send_all(kg_writer *writer) {
  int64_t last = 0;
  for (int i = 0; i < BATCH && last >= 0; i++) {
    last = kg_writer_write(writer, &sent[i]);
  }
  return last;
}

COUNTED static int receive_all(kg_reader *reader) {
  kg_batch batch;
  uint32_t offset = 0;
  int result = kg_reader_read(reader, buffer, BATCH, &batch);
  int count = 0;
  while (result == KG_OK && offset < batch.slots) {
    result = kg_event_decode(buffer, &offset, scratch, &received[count++]);
  }
  return result == KG_OK ? count : result;
}

static void make_events(int first) {
  for (int i = 0; i < BATCH; i++) {
    int which = first + i;
    sent[i] = (kg_threat){.timestamp_us =
                              UINT64_C(1795000000000000) + (uint64_t)which,
                          .threat_type = (uint32_t)(which % 8),
                          .severity = (uint8_t)(1 + which % 3),
                          .source = {text, (size_t)(10 + which % 7)},
                          .details = {text, (size_t)(20 + which % 181)}};
  }
}

static int is_same(kg_text a, kg_text b) {
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static int has_all(void) {
  int right = 0;
  for (int i = 0; i < BATCH; i++) {
    const kg_threat *a = &sent[i];
    const kg_threat *b = &received[i];
    right += a->timestamp_us == b->timestamp_us &&
             a->threat_type == b->threat_type && a->severity == b->severity &&
             is_same(a->source, b->source) && is_same(a->details, b->details);
  }
  return right == BATCH;
}

int main(int argc, char **argv) {
  kg_failure failure = {0};
  kg_writer *writer;
  kg_reader *reader;
  if (argc != 3) {
    fprintf(stderr, "usage: instructions DIR checked|plain\n");
    return 2;
  }
  const kg_ring_options options = {.dir = argv[1],
                                   .max_events = SLOTS,
                                   .no_checksums =
                                       strcmp(argv[2], "plain") == 0};
  memset(text, 'x', sizeof text);
  if (kg_writer_open(&options, &writer, &failure) != KG_OK ||
      kg_reader_open(&options, &reader, &failure) != KG_OK) {
    give_up("open", &failure);
  }
  for (int i = 0; i < EVENTS; i += BATCH) {
    make_events(i);
    if (send_all(writer) != i + BATCH) {
      kg_writer_error(writer, &failure);
      give_up("send", &failure);
    }
    if (receive_all(reader) != BATCH || !has_all()) {
      fprintf(stderr, "what was received is not what was sent\n");
      return 1;
    }
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
  printf("%d\n", EVENTS);
  return 0;
}
