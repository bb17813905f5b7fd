/* Slots that the writer overwrites while somebody seeks. The linker puts
 * __wrap_kg__cursor_copy between a copy and the look at claim behind it. There
 * are no checksums, so that claim alone tells. */
#include <string.h>

#include "../../../native/ring/ring_cursor.h"
#include "../fixture.h"

#define CAPACITY 16
#define BEFORE 40

void __real_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count);
void __wrap_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count);

static memory_ring memory;
static kg__ring_writer writer;

static int copies;
static int torn_from; /* the first copy that is torn; 0: none */
static int torn_to;

/* The words that change in what was copied. */
static void (*tear)(kg_slot *slot);

void __wrap_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count) {
  __real_kg__cursor_copy(ring, buffer, position, count);
  copies++;
  if (copies >= torn_from && copies <= torn_to) {
    for (int i = 0; i < CAPACITY; i++) {
      write_span(&writer, 1);
    }
    tear(buffer);
  }
}

static void later_sequence(kg_slot *slot) {
  slot->sequence += 1000;
}

static void later_count(kg_slot *slot) {
  slot->priority_count += 1000;
}

/* A reader in a ring of single slots. */
static void begin(kg__ring_reader *reader) {
  memory_ring_make(&memory, CAPACITY, false);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(reader, &memory.ring);
  while (writer.sequence < BEFORE) {
    write_span(&writer, 1);
  }
}

static void tear_copies(int from, int to, void (*how)(kg_slot *slot)) {
  copies = 0;
  torn_from = from;
  torn_to = to;
  tear = how;
}

static void end(void) {
  tear_copies(0, 0, NULL);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

static void seek(kg__ring_reader *reader, enum kg_from from, uint64_t n) {
  CHECK_RESULT(kg__ring_reader_seek(reader, from, n), KG_OK, NULL);
  CHECK(copies >= torn_from);
}

TEST(latest, "F3 from latest: the last slot is torn, and looked for again") {
  kg__ring_reader reader;
  begin(&reader);
  tear_copies(1, 1, later_sequence);
  seek(&reader, KG_FROM_LATEST, 0);
  CHECK_EQUAL(reader.next, writer.sequence + 1);
  CHECK_EQUAL(reader.cursor, writer.head);
  end();
}

TEST(latest_count, "F3 nor is the count of a torn first slot believed") {
  kg__ring_reader reader;
  begin(&reader);
  tear_copies(2, 2, later_count);
  seek(&reader, KG_FROM_LATEST, 0);
  CHECK_EQUAL(reader.next, BEFORE + 1);
  CHECK(reader.priority == KG_PRIORITY_UNKNOWN);
  end();
}

TEST(tries, "F3 from latest under a writer that is always faster: 16 looks") {
  for (int torn = 15; torn <= 16; torn++) {
    kg__ring_reader reader;
    begin(&reader);
    tear_copies(1, torn, later_sequence);
    seek(&reader, KG_FROM_LATEST, 0);
    /* Then it takes what comes. */
    CHECK_EQUAL(reader.next, torn < 16 ? writer.sequence + 1 : 0);
    CHECK_EQUAL(copies, torn < 16 ? 17 : 16);
    tear_copies(0, 0, NULL);
    write_span(&writer, 1);
    account account = {.next = 0};
    drain(&reader, &account, CAPACITY, 4);
    CHECK_EQUAL(account.lost, 0);
    CHECK_EQUAL(reader.next, writer.sequence + 1);
    end();
  }
}

TEST(oldest, "F3 from oldest: a torn slot is not the oldest event") {
  for (int copy = 1; copy <= 2; copy++) {
    kg__ring_reader reader;
    begin(&reader);
    tear_copies(copy, copy, copy == 1 ? later_sequence : later_count);
    seek(&reader, KG_FROM_OLDEST, 0);
    CHECK_EQUAL(reader.next, writer.sequence - CAPACITY + 1);
    CHECK_EQUAL(reader.cursor, writer.head - CAPACITY);
    CHECK_EQUAL(reader.priority, 0);
    end();
  }
}

TEST(sequence, "F3 from n: no torn slot leads anywhere") {
  /* Each of the copies of the search, and the one of the first slot. */
  for (int copy = 1; copy <= 6; copy++) {
    kg__ring_reader reader;
    account account = {.next = BEFORE - 3};
    begin(&reader);
    tear_copies(copy, copy, copy % 2 == 0 ? later_sequence : later_count);
    CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_SEQUENCE, BEFORE - 3),
                 KG_OK, NULL);
    tear_copies(0, 0, NULL);
    drain(&reader, &account, CAPACITY, 64);
    CHECK_EQUAL(account.next, writer.sequence + 1);
    CHECK(account.received >= 5);
    CHECK_EQUAL(reader.corrupt, 0);
    end();
  }
}
