/* The kqueue that a reader has for poll(): a forked child has none of them, and
 * so must not close what has its number there. */
#include <fcntl.h>
#include <poll.h>

#include "../file_fixture.h"

static bool is_open(int descriptor) {
  return fcntl(descriptor, F_GETFD) >= 0;
}

TEST(closing, "a forked child that closes a reader leaves its number alone") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  int descriptor = kg_reader_fd(reader);
  CHECK(descriptor >= 0);
  CHECK_EQUAL(kg_reader_fd(reader), descriptor);
  system_process child = check_fork();
  if (child == 0) {
    kg_reader_close(reader);
    /* Of a Mac's it would be another file's by now, or nobody's. */
    CHECK(is_open(descriptor));
    check_done();
  }
  CHECK_EXIT(child);
  kg_reader_close(reader);
  CHECK(!is_open(descriptor));
  kg_writer_close(writer);
}

TEST(told, "each write is told, until it is armed again") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  struct pollfd item = {.fd = kg_reader_fd(reader), .events = POLLIN};
  static _Alignas(8) char buffer[16 * KG_SLOT_BYTES];
  for (int i = 0; i < 20; i++) {
    kg_batch batch;
    CHECK_EQUAL(kg_reader_arm(reader), 1);
    CHECK_EQUAL(poll(&item, 1, 0), 0);
    write_events(writer, 1);
    CHECK_EQUAL(poll(&item, 1, 0), 1);
    CHECK_EQUAL(kg_reader_arm(reader), 0);
    CHECK_EQUAL(kg_reader_read(reader, buffer, 16, &batch), KG_OK);
    CHECK_EQUAL(batch.events, 1);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}
