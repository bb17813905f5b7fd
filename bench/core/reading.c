#include "reading.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, const kg_failure *failure) {
  fprintf(stderr, "%s: %s: %s\n", what, kg_error_code(failure->error),
          failure->detail);
  _exit(1);
}

void reading_open(struct reading *reading, const kg_ring_options *options) {
  kg_failure failure = {0};
  int status;
  while ((status = kg_reader_open(options, &reading->reader, &failure)) ==
         KG_E_NO_RING) {
    usleep(1000);
  }
  if (status < 0 ||
      (status = kg_reader_seek(reading->reader, KG_FROM_OLDEST, 0)) < 0) {
    fail("kg_reader_open", &failure);
  }
  reading->next = 1;
}

static void take_loss(struct reading *reading) {
  const kg_batch *batch = &reading->batch;
  if (batch->loss_reason != KG_LOSS_OVERWRITTEN ||
      batch->lost_from != reading->next ||
      batch->lost_to - batch->lost_from + 1 != batch->lost) {
    fprintf(stderr,
            "a loss of %llu from %llu to %llu, reason %u, is not one that "
            "begins at %llu\n",
            (unsigned long long)batch->lost,
            (unsigned long long)batch->lost_from,
            (unsigned long long)batch->lost_to, batch->loss_reason,
            (unsigned long long)reading->next);
    _exit(1);
  }
  reading->lost += batch->lost;
  reading->next = batch->lost_to + 1;
}

bool reading_take(struct reading *reading) {
  kg_batch *batch = &reading->batch;
  uint32_t offset = 0;
  kg_threat threat;
  if (kg_reader_read(reading->reader, reading->buffer, READ_SLOTS, batch) < 0) {
    kg_failure failure;
    kg_reader_error(reading->reader, &failure);
    fail("kg_reader_read", &failure);
  }
  if (batch->lost > 0)
    take_loss(reading);
  while (offset < batch->slots) {
    int status =
        kg_event_decode(reading->buffer, &offset, reading->scratch, &threat);
    if (status < 0) {
      fprintf(stderr, "kg_event_decode: %s\n", kg_error_code(status));
      _exit(1);
    }
    verify_event(&threat, reading->next - 1);
    if (reading->on_event != NULL)
      reading->on_event(reading, reading->next - 1);
    reading->received++;
    reading->next++;
  }
  return batch->lost > 0 || batch->slots > 0;
}

kg_writer *writing_open(const kg_ring_options *options) {
  kg_failure failure = {0};
  kg_writer *writer = NULL;
  if (kg_writer_open(options, &writer, &failure) < 0)
    fail("kg_writer_open", &failure);
  return writer;
}

void writing_send(kg_writer *writer, uint64_t index, bool is_damaged) {
  kg_threat threat;
  struct event *event = event_at(index);
  memset(&threat, 0, sizeof threat);
  event->details[7] = (char)(event->details[7] ^ (is_damaged ? 1 : 0));
  view_event(event, &threat);
  int64_t status = kg_writer_write(writer, &threat);
  event->details[7] = (char)(event->details[7] ^ (is_damaged ? 1 : 0));
  if (status != (int64_t)index + 1) {
    fprintf(stderr, "kg_writer_write of %llu: %lld\n",
            (unsigned long long)index + 1, (long long)status);
    _exit(1);
  }
}
