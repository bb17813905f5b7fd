/* What of a ring is put in its place when it is opened. The linker puts
 * __wrap_kg__prefault in the place of what asks the system. */
#include "../file_fixture.h"

void __wrap_kg__prefault(void *base, size_t length, bool writable);
void __real_kg__prefault(void *base, size_t length, bool writable);

static int asked;
static size_t asked_length;
static bool asked_writable;

void __wrap_kg__prefault(void *base, size_t length, bool writable) {
  asked++;
  asked_length = length;
  asked_writable = writable;
  __real_kg__prefault(base, length, writable);
  /* Whatever the system did, all of it can be read. */
  for (size_t at = 0; at < length; at += 4096) {
    const volatile unsigned char *byte = (unsigned char *)base + at;
    (void)*byte;
  }
}

static void check_asked(int times, size_t length, bool writable) {
  CHECK_EQUAL(asked, times);
  CHECK_EQUAL(asked_length, length);
  CHECK_EQUAL(asked_writable, writable);
}

TEST(all, "all of a ring is put in its place, by its writer and each reader") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 1000);
  size_t bytes = (size_t)writer_info(writer).file_bytes;
  check_asked(1, bytes, true);
  kg_reader *reader = open_reader(dir);
  check_asked(2, bytes, false);
  write_events(writer, 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
  /* And by the one that goes on with it. */
  writer = open_writer(dir, 1000);
  check_asked(3, bytes, true);
  CHECK_EQUAL(check_ring_from(dir, 1), 3);
  kg_writer_close(writer);
}

TEST(large, "of a large ring, the first 16 MiB") {
  const char *dir = check_temp_dir();
  const size_t most = (size_t)16 << 20;
  kg_writer *writer = open_writer(dir, 1 << 16);
  CHECK(writer_info(writer).file_bytes > most);
  check_asked(1, most, true);
  kg_reader *reader = open_reader(dir);
  check_asked(2, most, false);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
