/* The package's own core. VARIANT: `checked`, `plain` (no checksums), or
 * `reliable` (checked, and the ring itself waits for its reader; the others
 * have the reader's progress in a word of its own). */

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

const bool channel_spins = true;

#define SLOTS 8192
#define WINDOW 6000
#define ACK_EVERY 64
#define READ_SLOTS 256
#define SPIN_MICROS 1000

struct channel {
  const char *dir;
  char name[16];
  bool no_checksums;
  bool reliable;
  _Atomic uint64_t *taken; /* the reader's progress, on a line of its own */
  /* the writer's */
  kg_writer *writer;
  uint64_t sent;
  uint64_t known; /* of `taken` */
  /* the reader's */
  kg_reader *reader;
  uint64_t received;
  uint32_t offset;
  kg_batch batch;
  _Alignas(128) unsigned char buffer[READ_SLOTS * KG_SLOT_BYTES];
  unsigned char scratch[READ_SLOTS * KG_SLOT_BYTES];
};

static struct channel channels[2];

void channel_prepare(int which, const char *variant, const char *dir) {
  struct channel *channel = &channels[which];
  channel->dir = dir;
  snprintf(channel->name, sizeof channel->name, "core-%d", which);
  channel->no_checksums = strcmp(variant, "plain") == 0;
  channel->reliable = strcmp(variant, "reliable") == 0;
  channel->taken = shared_memory(128);
}

static void fail(const char *what) {
  fprintf(stderr, "%s failed\n", what);
  exit(1);
}

/* A ring can be found before its writer has said in it that it waits for
 * readers; the next read sees that. */
static void await_reliable(struct channel *channel) {
  kg_reader_stats stats;
  for (;;) {
    kg_reader_stats_get(channel->reader, &stats);
    if (stats.reliable)
      return;
    if (kg_reader_read(channel->reader, channel->buffer, READ_SLOTS,
                       &channel->batch) < 0)
      fail("kg_reader_read");
    sched_yield();
  }
}

void channel_attach(int which, bool is_writer) {
  struct channel *channel = &channels[which];
  kg_ring_options options = {.dir = channel->dir,
                             .name = channel->name,
                             .max_events = SLOTS,
                             .no_checksums = channel->no_checksums,
                             .rejects = channel->reliable,
                             .reliable = channel->reliable};
  kg_failure failure = {0};
  if (is_writer) {
    if (kg_writer_open(&options, &channel->writer, &failure) < 0) {
      fail("kg_writer_open");
    }
    /* Nothing may be sent to nobody. */
    while (atomic_load(channel->taken) == 0)
      sched_yield();
    channel->known = 0;
    return;
  }
  int status;
  while ((status = kg_reader_open(&options, &channel->reader, &failure)) ==
         KG_E_NO_RING) {
    sched_yield();
  }
  if (status < 0)
    fail("kg_reader_open");
  kg_reader_seek(channel->reader, KG_FROM_OLDEST, 0);
  if (channel->reliable)
    await_reliable(channel);
  atomic_store(channel->taken, 1);
}

static void await_room(struct channel *channel) {
  while (channel->sent - channel->known > WINDOW) {
    channel->known =
        atomic_load_explicit(channel->taken, memory_order_acquire) - 1;
  }
}

void channel_send(int which, struct event *event) {
  struct channel *channel = &channels[which];
  kg_threat threat;
  memset(&threat, 0, sizeof threat);
  view_event(event, &threat);
  if (!channel->reliable)
    await_room(channel);
  int64_t status;
  do {
    status = kg_writer_write(channel->writer, &threat);
  } while (status == KG_E_RING_FULL);
  if (status < 0) {
    fprintf(stderr, "kg_writer_write: %lld\n", (long long)status);
    exit(1);
  }
  channel->sent++;
}

void channel_receive(int which, kg_threat *threat) {
  struct channel *channel = &channels[which];
  while (channel->offset == channel->batch.slots) {
    channel->offset = 0;
    kg_reader_spin(channel->reader, SPIN_MICROS);
    int status = kg_reader_read(channel->reader, channel->buffer, READ_SLOTS,
                                &channel->batch);
    if (status < 0 || channel->batch.lost > 0) {
      fprintf(stderr, "kg_reader_read: %d, lost %llu from %llu, reason %u\n",
              status, (unsigned long long)channel->batch.lost,
              (unsigned long long)channel->batch.lost_from,
              channel->batch.loss_reason);
      exit(1);
    }
  }
  if (kg_event_decode(channel->buffer, &channel->offset, channel->scratch,
                      threat) < 0) {
    fprintf(stderr, "kg_event_decode failed\n");
    exit(1);
  }
  channel->received++;
  if (channel->received % ACK_EVERY == 0) {
    atomic_store_explicit(channel->taken, channel->received + 1,
                          memory_order_release);
  }
}

void channel_remove(void) {
  for (int i = 0; i < 2; i++) {
    if (channels[i].writer != NULL)
      kg_writer_close(channels[i].writer);
  }
}
