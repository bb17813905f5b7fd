/* A CPU without the instruction for checksums. The linker puts
 * __wrap_kg__cpu_has_crc32c in the place of the question. */
#include <string.h>

#include "../../../native/platform/cpu.h"
#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

bool __wrap_kg__cpu_has_crc32c(void);

bool __wrap_kg__cpu_has_crc32c(void) {
  return false;
}

TEST(method, "without the instruction checksums are the same, and it is said") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account = {.next = 1};
  CHECK(strcmp(kg_checksum_method(), "portable") == 0);
  CHECK_EQUAL(kg__crc32c("123456789", 9), 0xE3069283);
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
