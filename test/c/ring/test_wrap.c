/* A ring that goes round: bounds, laps, readers of every speed. */
#include <string.h>

#include "../fixture.h"

static void begin(memory_ring *memory, kg__ring_writer *writer,
                  uint32_t capacity, bool checksums) {
  memory_ring_make(memory, capacity, checksums);
  CHECK_RESULT(kg__ring_writer_begin(writer, &memory->ring, NULL), KG_OK, NULL);
}

static void end(memory_ring *memory, kg__ring_writer *writer) {
  kg__ring_writer_end(writer);
  memory_ring_free(memory);
}

static void wrap_at_every_remainder(bool checksums) {
  for (uint32_t capacity = 16; capacity <= 128; capacity *= 2) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    account account = {.next = 1};
    begin(&memory, &writer, capacity, checksums);
    kg__ring_reader_begin(&reader, &memory.ring);
    for (uint32_t span = 1; span <= capacity / 4; span++) {
      for (uint32_t remainder = 0; remainder < capacity; remainder++) {
        while (writer.head % capacity != remainder) {
          write_span(&writer, 1);
          drain(&reader, &account, 1, 2);
        }
        write_span(&writer, span);
        drain(&reader, &account, span, 2);
        CHECK_EQUAL(account.received, writer.sequence);
      }
      memory_ring_check(&memory);
    }
    CHECK_EQUAL(account.lost, 0);
    CHECK_EQUAL(reader.corrupt, 0);
    CHECK_EQUAL(reader.received, writer.sequence);
    end(&memory, &writer);
  }
}

TEST(wrap, "F1 events of every span at every remainder of every small ring") {
  wrap_at_every_remainder(true);
}

TEST(wrap_plain, "F1 the same without checksums") {
  wrap_at_every_remainder(false);
}

TEST(wrap_mixed, "F1 spans mixed for many laps") {
  for (uint32_t capacity = 16; capacity <= 128; capacity *= 2) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    account account = {.next = 1, .most = capacity / 4};
    begin(&memory, &writer, capacity, true);
    kg__ring_reader_begin(&reader, &memory.ring);
    for (uint32_t i = 0; i < 4000; i++) {
      write_span(&writer, span_of(writer.sequence + 1, capacity / 4));
      if (i % 3 == 0) {
        drain(&reader, &account, capacity, 4);
      }
    }
    drain(&reader, &account, capacity, 4);
    CHECK_EQUAL(account.received, 4000);
    end(&memory, &writer);
  }
}

TEST(one_lap, "F2 a reader one lap behind loses exactly what was overwritten") {
  for (uint32_t ahead = 1; ahead <= 40; ahead++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    kg_slot buffer[16];
    kg_batch batch;
    begin(&memory, &writer, 16, true);
    kg__ring_reader_begin(&reader, &memory.ring);
    for (uint32_t i = 0; i < 16 + ahead; i++) {
      write_span(&writer, 1);
    }
    CHECK_RESULT(kg__ring_reader_read(&reader, buffer, 16, &batch), KG_OK,
                 NULL);
    CHECK_EQUAL(batch.loss_reason, KG_LOSS_OVERWRITTEN);
    CHECK_EQUAL(batch.lost, ahead);
    CHECK_EQUAL(batch.lost_from, 1);
    CHECK_EQUAL(batch.lost_to, ahead);
    CHECK_EQUAL(batch.events, 16);
    CHECK_EQUAL(buffer[0].sequence, ahead + 1);
    CHECK_EQUAL(reader.corrupt, 0);
    end(&memory, &writer);
  }
}

TEST(lap_spans, "F2 events that lost only a part of their slots are lost") {
  for (uint32_t behind = 0; behind < 60; behind++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    account account = {.next = 1, .most = 4};
    begin(&memory, &writer, 16, true);
    kg__ring_reader_begin(&reader, &memory.ring);
    uint64_t position[256] = {0};
    while (writer.sequence < 20 + behind) {
      write_span(&writer, span_of(writer.sequence + 1, 4));
      position[writer.sequence + 1] = writer.head;
    }
    drain(&reader, &account, 16, 32);
    uint64_t oldest = 1;
    while (position[oldest] + 16 < writer.head) {
      oldest++;
    }
    CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], oldest - 1);
    CHECK_EQUAL(account.lost, oldest - 1);
    CHECK_EQUAL(account.received + account.lost, writer.sequence);
    CHECK_EQUAL(reader.corrupt, 0);
    end(&memory, &writer);
  }
}

TEST(never_reads, "F4 a reader that never reads changes nothing for others") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader asleep;
  kg__ring_reader reader;
  account account = {.next = 1, .most = 16};
  begin(&memory, &writer, 64, true);
  kg__ring_reader_begin(&asleep, &memory.ring);
  kg__ring_reader_begin(&reader, &memory.ring);
  for (uint32_t i = 1; i <= 5000; i++) {
    write_span(&writer, span_of(writer.sequence + 1, 16));
    CHECK_EQUAL(writer.sequence, i);
    drain(&reader, &account, 64, 4);
  }
  CHECK_EQUAL(account.received, 5000);
  struct account late = {.next = 1, .most = 16};
  drain(&asleep, &late, 64, 64);
  CHECK_EQUAL(late.received + late.lost, 5000);
  CHECK(late.received > 0 && late.lost > 4900);
  end(&memory, &writer);
}

TEST(several, "F5 several readers: each gets everything or an exact gap") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader readers[5];
  account accounts[5];
  static const uint32_t every[5] = {1, 3, 17, 40, 333};
  begin(&memory, &writer, 32, true);
  for (int r = 0; r < 5; r++) {
    accounts[r] = (account){.next = 1, .most = 8};
    kg__ring_reader_begin(&readers[r], &memory.ring);
  }
  for (uint32_t i = 1; i <= 3000; i++) {
    write_span(&writer, span_of(writer.sequence + 1, 8));
    for (int r = 0; r < 5; r++) {
      if (i % every[r] == 0) {
        drain(&readers[r], &accounts[r], 8 + (uint32_t)r, 64);
      }
    }
  }
  for (int r = 0; r < 5; r++) {
    kg_reader_stats stats;
    drain(&readers[r], &accounts[r], 32, 64);
    CHECK_EQUAL(accounts[r].received + accounts[r].lost, 3000);
    kg__ring_reader_stats(&readers[r], &stats);
    CHECK_EQUAL(stats.received, accounts[r].received);
    CHECK_EQUAL(stats.lost, accounts[r].lost);
    CHECK_EQUAL(stats.sequence, 3000);
    CHECK_EQUAL(stats.published, 3000);
    CHECK_EQUAL(stats.corrupt, 0);
  }
  CHECK_EQUAL(accounts[0].lost, 0);
  CHECK_EQUAL(accounts[1].lost, 0);
  CHECK(accounts[4].lost > 0);
  end(&memory, &writer);
}

TEST(zeros, "F7 slots of zeros are never an event") {
  for (int checksums = 0; checksums < 2; checksums++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    account account = {.next = 1};
    begin(&memory, &writer, 16, checksums != 0);
    kg__ring_reader_begin(&reader, &memory.ring);
    memory.ring.header->claim = 4;
    memory.ring.header->head = 4;
    drain(&reader, &account, 16, 4);
    CHECK_EQUAL(account.received, 0);
    CHECK_EQUAL(account.lost, 0);
    CHECK(reader.corrupt > 0);

    /* What it says of itself is right, but nothing else. */
    kg_slot slot = {.position = 2};
    *kg__ring_slot(&memory.ring, 2) = slot;
    CHECK(!kg__slot_is_valid(&memory.ring, &slot, 2));
    drain(&reader, &account, 16, 4);
    CHECK_EQUAL(account.received, 0);

    write_span(&writer, 1);
    drain(&reader, &account, 16, 4);
    CHECK_EQUAL(account.received, 1);
    CHECK_EQUAL(account.lost, 0);
    end(&memory, &writer);
  }
}

TEST(zeros_within, "F7 an event that was zeroed is counted and passed over") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account = {.next = 1};
  begin(&memory, &writer, 16, false);
  kg__ring_reader_begin(&reader, &memory.ring);
  for (int i = 0; i < 8; i++) {
    write_span(&writer, 1);
  }
  memset(kg__ring_slot(&memory.ring, 3), 0, sizeof(kg_slot));
  drain(&reader, &account, 16, 4);
  CHECK_EQUAL(account.received, 7);
  CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 1);
  CHECK_EQUAL(reader.corrupt, 1);
  end(&memory, &writer);
}
