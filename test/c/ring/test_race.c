/* A ring that changes while it is being read. */
#include <pthread.h>
#include <string.h>

#include "../../../native/base/atomic.h"
#include "../../../native/platform/platform.h"
#include "../../../native/ring/ring_cursor.h"
#include "../fixture.h"

TEST(claimed, "F3 what the writer has claimed is discarded and counted") {
  for (uint32_t ahead = 1; ahead <= 4; ahead++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    account account = {.next = 1};
    memory_ring_make(&memory, 16, false);
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK,
                 NULL);
    kg__ring_reader_begin(&reader, &memory.ring);
    for (int i = 0; i < 16; i++) {
      write_span(&writer, 1);
    }
    /* The writer has begun the next batch: claimed, first words copied. */
    memory.ring.header->claim = 16 + ahead;
    for (uint32_t i = 0; i < ahead; i++) {
      memory.ring.slots[i].body.event.source[0] ^= 1;
    }
    drain(&reader, &account, 16, 4);
    CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], ahead);
    CHECK_EQUAL(account.received, 16 - ahead);
    CHECK_EQUAL(reader.corrupt, 0);
    for (uint32_t i = 0; i < ahead; i++) {
      write_span(&writer, 1);
    }
    drain(&reader, &account, 16, 4);
    CHECK_EQUAL(account.received, 16);
    CHECK_EQUAL(account.lost, ahead);
    kg__ring_writer_end(&writer);
    memory_ring_free(&memory);
  }
}

TEST(claimed_spans, "F3 an event with its first slot claimed is lost whole") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account = {.next = 1};
  memory_ring_make(&memory, 16, true);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  for (int i = 0; i < 4; i++) {
    write_span(&writer, 4);
  }
  memory.ring.header->claim = 17;
  drain(&reader, &account, 16, 4);
  CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], 1);
  CHECK_EQUAL(account.received, 3);
  CHECK_EQUAL(reader.corrupt, 0);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

/* A ring of 16 slots whose head and claim are 100. */
static void make_at_100(memory_ring *memory, kg__ring_reader *reader) {
  memory_ring_make(memory, 16, true);
  memory_ring_jump(memory, 100);
  kg__ring_reader_begin(reader, &memory->ring);
}

TEST(outrun, "F89 a claim far ahead of the head that was read is no garbage") {
  memory_ring memory;
  kg__ring_reader reader;
  make_at_100(&memory, &reader);
  /* Read before the writer went on by three batches, and claimed a fourth. */
  for (uint64_t head = 88; head <= 100; head += 4) {
    memory.ring.header->claim = 104;
    CHECK_EQUAL(kg__cursor_oldest(&reader, head, 84), 104 - 16);
    CHECK_EQUAL(reader.corrupt, 0);
  }
  /* The head of now shows that it is. */
  memory.ring.header->claim = 105;
  CHECK_EQUAL(kg__cursor_oldest(&reader, 100, 84), 100 - 16);
  CHECK_EQUAL(reader.corrupt, 1);
  memory_ring_free(&memory);
}

TEST(near, "F3 a reader that cannot have been overtaken asks for no claim") {
  memory_ring memory;
  kg__ring_reader reader;
  make_at_100(&memory, &reader);
  /* Whoever asks notices this one. */
  memory.ring.header->claim = 7;
  for (uint64_t position = 88; position < 100; position++) {
    for (uint64_t head = position + 1; head <= 100; head++) {
      CHECK_EQUAL(kg__cursor_oldest(&reader, head, position), 0);
    }
  }
  CHECK_EQUAL(reader.corrupt, 0);
  /* The writer may have claimed this one's slot since. */
  CHECK_EQUAL(kg__cursor_oldest(&reader, 88, 87), 100 - 16);
  CHECK_EQUAL(reader.corrupt, 1);
  /* So may one whose head went back. */
  memory.ring.header->claim = 6;
  CHECK_EQUAL(kg__cursor_oldest(&reader, 101, 99), 100 - 16);
  CHECK_EQUAL(reader.corrupt, 2);
  memory_ring_free(&memory);
}

/* --- Two threads -------------------------------------------------------- */

#define HAMMER_NS UINT64_C(700000000)
/* Goes on for longer when a busy machine gave it less than that to do. */
#define HAMMER_EVENTS 1000

typedef struct hammer {
  memory_ring memory;
  kg__ring_writer writer;
  uint32_t most;
  uint32_t batch;
  uint32_t done;
  uint64_t until;
} hammer;

static void *hammer_write(void *data) {
  hammer *h = data;
  made_threat made;
  while (kg__clock_monotonic_ns() < h->until ||
         h->writer.sequence <= HAMMER_EVENTS) {
    for (uint32_t events = 0; events < h->batch; events++) {
      uint64_t sequence = h->writer.sequence + h->writer.staged_events + 1;
      uint32_t span = span_of(sequence, h->most);
      if (h->writer.staged_slots + span >
          kg__ring_batch_slots(&h->memory.ring)) {
        break;
      }
      make_threat(&made, sequence, span);
      CHECK_RESULT(kg__ring_writer_stage(&h->writer, &made.threat, &batch_time),
                   KG_OK, NULL);
    }
    commit_staged(&h->writer);
  }
  kg__store32_release(&h->done, 1);
  return NULL;
}

typedef struct hammer_reader {
  hammer *hammer;
  uint32_t slots;
  bool seeks; /* begins anew at sequence 1 again and again */
  account account;
  kg__ring_reader reader;
} hammer_reader;

static void *hammer_read(void *data) {
  hammer_reader *r = data;
  uint32_t done;
  r->account = (account){.next = 1, .most = r->hammer->most};
  do {
    done = kg__load32_acquire(&r->hammer->done);
    if (r->seeks) {
      kg__ring_reader_begin(&r->reader, &r->hammer->memory.ring);
      CHECK_RESULT(kg__ring_reader_seek(&r->reader, KG_FROM_SEQUENCE, 1), KG_OK,
                   NULL);
      r->account = (account){.next = 1, .most = r->hammer->most};
      drain(&r->reader, &r->account, r->slots, UINT32_MAX);
      CHECK_EQUAL(r->account.received + r->account.lost, r->reader.next - 1);
    } else {
      drain(&r->reader, &r->account, r->slots, UINT32_MAX);
    }
  } while (done == 0);
  CHECK_EQUAL(r->reader.seen, kg__ring_head(&r->reader.ring));
  return NULL;
}

static void hammer_with(uint32_t capacity, uint32_t most, uint32_t batch,
                        bool checksums, bool seeks) {
  hammer h = {.most = most, .batch = batch};
  hammer_reader readers[2];
  pthread_t threads[3];
  memory_ring_make(&h.memory, capacity, checksums);
  CHECK_RESULT(kg__ring_writer_begin(&h.writer, &h.memory.ring, NULL), KG_OK,
               NULL);
  h.until = kg__clock_monotonic_ns() + HAMMER_NS;
  for (int i = 0; i < 2; i++) {
    readers[i] = (hammer_reader){.hammer = &h,
                                 .slots = i == 0 ? capacity : capacity / 4,
                                 .seeks = seeks};
    kg__ring_reader_begin(&readers[i].reader, &h.memory.ring);
    CHECK(pthread_create(&threads[i], NULL, hammer_read, &readers[i]) == 0);
  }
  CHECK(pthread_create(&threads[2], NULL, hammer_write, &h) == 0);
  for (int i = 0; i < 3; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  for (int i = 0; i < 2; i++) {
    const account *account = &readers[i].account;
    CHECK_EQUAL(account->received + account->lost, h.writer.sequence);
    CHECK_EQUAL(account->reasons[KG_LOSS_CORRUPT], 0);
    CHECK_EQUAL(readers[i].reader.corrupt, 0);
  }
  CHECK(h.writer.sequence > HAMMER_EVENTS);
  kg__ring_writer_end(&h.writer);
  memory_ring_free(&h.memory);
}

TEST(hammer_checked, "F3 hammered by a writer: exact in content and account") {
  hammer_with(16, 4, 1, true, false);
}

TEST(hammer_plain, "F3 the same without checksums: claim alone protects") {
  hammer_with(16, 4, 1, false, false);
}

TEST(hammer_batches, "F3 the same with batches of a quarter ring") {
  hammer_with(32, 3, 8, false, false);
}

TEST(hammer_larger, "F3 F5 the same with a ring that readers can follow") {
  hammer_with(1024, 8, 4, true, false);
}

TEST(hammer_lane, "F88 F91 the same with a priority lane, and a tiny one") {
  critical_every = 5;
  hammer_with(16, 4, 1, false, false);
  lane_events = 2;
  hammer_with(32, 3, 8, false, false);
}

TEST(hammer_seeks, "F3 readers that seek under a writer's hands miss nothing") {
  hammer_with(16, 4, 1, false, true);
}

/* --- A scribbler -------------------------------------------------------- */

typedef struct scribbler {
  memory_ring memory;
  uint32_t done;
  kg_slot whole[64];
} scribbler;

/* Puts valid slots and nonsense in turn where the reader copies. */
static void *scribble(void *data) {
  scribbler *s = data;
  uint64_t seed = 12;
  while (kg__load32_acquire(&s->done) == 0) {
    uint64_t random = check_random(&seed);
    uint32_t slot = (uint32_t)(random % 64);
    uint64_t *words = (uint64_t *)&s->memory.ring.slots[slot];
    if (random & 0x1000) {
      kg__copy_shared(words, &s->whole[slot], sizeof(kg_slot));
    } else {
      /* Span, place and lengths; flags and tail; or any word. */
      uint64_t at = random & 0x2000 ? 3 : random & 0x4000 ? 4 : random >> 32;
      uint64_t value = check_random(&seed);
      if (random & 0x8000) {
        value &= UINT64_C(0x01FF007F00030003);
      }
      kg__store64_relaxed(&words[at % 48], value);
    }
  }
  return NULL;
}

static void read_scribbled(bool checksums) {
  scribbler s = {.done = 0};
  kg__ring_writer writer;
  kg__ring_reader reader;
  pthread_t thread;
  static kg_slot buffer[64];
  static char scratch[64 * KG_EVENT_BYTES];
  uint64_t events = 0;
  uint64_t sum = 0;
  memory_ring_make(&s.memory, 64, checksums);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &s.memory.ring, NULL), KG_OK,
               NULL);
  while (writer.head + 16 < 64) {
    write_span(&writer, span_of(writer.sequence + 1, 16));
  }
  memcpy(s.whole, s.memory.ring.slots, sizeof s.whole);
  CHECK(pthread_create(&thread, NULL, scribble, &s) == 0);

  uint64_t until = kg__clock_monotonic_ns() + HAMMER_NS;
  while (kg__clock_monotonic_ns() < until || events == 0 || sum == 0) {
    kg_batch batch;
    uint32_t reads = 0;
    kg__ring_reader_begin(&reader, &s.memory.ring);
    CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
    do {
      uint32_t offset = 0;
      CHECK(++reads < 1000);
      CHECK_RESULT(kg__ring_reader_read(&reader, buffer, 64, &batch), KG_OK,
                   NULL);
      CHECK(batch.slots <= 64 && batch.slots_needed <= 16);
      for (uint32_t i = 0; i < batch.events; i++) {
        kg_threat threat;
        CHECK(buffer[offset].span >= 1 && buffer[offset].span <= 16);
        CHECK(offset + buffer[offset].span <= batch.slots);
        int decoded = kg_event_decode(buffer, &offset, scratch, &threat);
        CHECK(decoded == KG_OK || (!checksums && decoded == KG_E_RING_CORRUPT));
        if (decoded == KG_OK && checksums) {
          /* With checksums, only what the writer stored comes through. */
          check_threat(&threat, span_of(threat.sequence, 16));
        }
        const kg_text *texts[] = {&threat.source, &threat.details, &threat.id,
                                  &threat.context};
        for (size_t t = 0; decoded == KG_OK && t < 4; t++) {
          for (size_t at = 0; at < texts[t]->length; at++) {
            sum += (unsigned char)texts[t]->bytes[at];
          }
        }
        events++;
      }
      CHECK_EQUAL(offset, batch.slots);
    } while (batch.more);
  }
  kg__store32_release(&s.done, 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(events > 0 && sum > 0);
  kg__ring_writer_end(&writer);
  memory_ring_free(&s.memory);
}

TEST(scribbled,
     "F12 bytes that change between check and use: the private copy decides") {
  read_scribbled(true);
}

TEST(scribbled_plain, "F12 the same without checksums: still in bounds") {
  read_scribbled(false);
}
