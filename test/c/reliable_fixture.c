#include "reliable_fixture.h"

kg_writer *open_rejecting(const char *dir, uint32_t capacity,
                          uint32_t timeout_ms) {
  const kg_ring_options options = {.dir = dir,
                                   .max_events = capacity,
                                   .rejects = true,
                                   .reader_timeout_ms = timeout_ms};
  kg_failure failure;
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  return writer;
}

kg_reader *open_reliable(const char *dir) {
  const kg_ring_options options = {.dir = dir, .reliable = true};
  kg_failure failure;
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
  return reader;
}

bool is_reliable(const kg_reader *reader) {
  kg_reader_stats stats;
  kg_reader_stats_get(reader, &stats);
  return stats.reliable;
}

kg_writer_stats stats_of(const kg_writer *writer) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats;
}

uint32_t fill(kg_writer *writer) {
  made_threat made;
  uint32_t written = 0;
  for (;;) {
    make_threat(&made, sequence_of(writer) + 1, 1);
    int64_t result = kg_writer_write(writer, &made.threat);
    if (result < 0) {
      CHECK_RESULT(result, KG_E_RING_FULL, NULL);
      return written;
    }
    written++;
    CHECK(written <= 100000);
  }
}

int64_t write_one(kg_writer *writer) {
  made_threat made;
  make_threat(&made, sequence_of(writer) + 1, 1);
  return kg_writer_write(writer, &made.threat);
}

void pause_ms(long ms) {
  system_sleep_us((uint64_t)ms * 1000);
}

uint32_t take(kg_reader *reader, account *account, uint32_t most) {
  kg_slot buffer[1];
  kg_batch batch;
  uint32_t taken = 0;
  while (taken < most) {
    CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
    taken += batch.events;
    if (batch.events == 0 && !batch.more) {
      break;
    }
  }
  return taken;
}

void drain_all(kg_reader *reader, account *account) {
  kg_slot buffer[64];
  kg_batch batch;
  do {
    CHECK_RESULT(kg_reader_read(reader, buffer, 64, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
  } while (batch.more);
}

int insist(kg_writer *writer) {
  int refused = 0;
  while (write_one(writer) < 0) {
    refused++;
    pause_ms(1);
  }
  return refused;
}
