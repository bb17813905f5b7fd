/* A CPU whose registers are not wide. The linker puts __wrap_kg__cpu_is_wide in
 * the place of the question. */
#include <string.h>

#include "../../../native/platform/cpu.h"
#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

bool __wrap_kg__cpu_is_wide(void);

bool __wrap_kg__cpu_is_wide(void) {
  return false;
}

TEST(checksum, "CRC32C of a slot is the same where registers are narrow") {
  uint64_t seed = 4;
  kg__word words[KG__SLOT_WORDS];
  for (int round = 0; round < 1000; round++) {
    for (size_t i = 0; i < KG__SLOT_WORDS; i++) {
      words[i] = check_random(&seed);
    }
    kg__word last[2] = {check_random(&seed), check_random(&seed)};
    uint32_t found = kg__crc32c_slot(words, last);
    memcpy(&words[KG__SLOT_WORDS - 2], last, sizeof last);
    CHECK_EQUAL(found, kg__crc32c(words, sizeof words));
  }
}

TEST(copies, "slots are copied whole where registers are narrow") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account = {.next = 1};
  memory_ring_make(&memory, 16, true);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  for (uint32_t span = 1; span <= 4; span++) {
    write_span(&writer, span);
  }
  drain(&reader, &account, 16, 4);
  CHECK_EQUAL(account.received, 4);
  CHECK_EQUAL(reader.corrupt, 0);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}
