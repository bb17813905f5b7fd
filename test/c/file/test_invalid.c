/* Files that are no ring, and places where none is. */
#include <string.h>

#include "../../../native/file/segment.h"
#include "../../../native/ring/crc32c.h"
#include "../file_fixture.h"

#if SYSTEM_KEEPS_IN_MEMORY
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

static unsigned char whole[1 << 19];
static unsigned char after[1 << 20];

/* Makes a ring with some events and reads its file into `whole`. */
static size_t make_ring(const char *dir) {
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 5);
  kg_writer_close(writer);
  size_t length = get_file(ring_file(dir), whole, sizeof whole);
  CHECK_EQUAL(length, kg__ring_bytes(16, KG_DEFAULT_PRIORITY_EVENTS));
  return length;
}

/* A reader must refuse the file with `error` and leave it as it is. */
static kg_failure refuse(const char *dir, int error, size_t length) {
  const char *path = ring_file(dir);
  system_stamp stamps[2];
  int files = check_count_files(dir, "");
  CHECK(system_stamp_of(path, &stamps[0]));
  kg_failure failure = refuse_reader(dir, error);
  CHECK(system_stamp_of(path, &stamps[1]));
  CHECK_EQUAL(stamps[0].file, stamps[1].file);
  CHECK_EQUAL(stamps[0].written, stamps[1].written);
  CHECK_EQUAL(get_file(path, after, sizeof after), length);
  CHECK_BYTES(after, whole, length);
  CHECK_EQUAL(check_count_files(dir, ""), files);
  CHECK_CONTAINS(failure.detail, check_path(dir, RING_FILE));
  return failure;
}

TEST(short_files, "F19 a file shorter than a header is ERR_RING_INVALID") {
  const char *dir = check_temp_dir();
  static const size_t lengths[] = {0, 1, 4, 127, 128, 640, 895};
  make_ring(dir);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    put_file(ring_file(dir), whole, lengths[i]);
    kg_failure failure = refuse(dir, KG_E_RING_INVALID, lengths[i]);
    CHECK_CONTAINS(failure.detail, "fewer than a header");
  }
}

TEST(no_slots, "F19 F22 a header without its slots is ERR_RING_TRUNCATED") {
  const char *dir = check_temp_dir();
  size_t length = make_ring(dir);
  const size_t lengths[] = {896,    4096,        65536,         65537,
                            131072, 131072 + 96, length - 4096, length - 1};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    put_file(ring_file(dir), whole, lengths[i]);
    kg_failure failure = refuse(dir, KG_E_RING_TRUNCATED, lengths[i]);
    CHECK_CONTAINS(failure.detail, "bytes of");
  }
}

TEST(replaced, "F19 the next writer replaces a file that is no ring") {
  static const size_t lengths[] = {0, 1, 895, 896, 65537, 131072};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const char *dir = check_temp_dir();
    make_ring(dir);
    put_file(ring_file(dir), whole, lengths[i]);
    kg_writer *writer = open_writer(dir, 16);
    CHECK_EQUAL(write_events(writer, 3), 3);
    CHECK_EQUAL(check_ring_from(dir, 1), 3);
    CHECK_EQUAL(count_unnamed(dir), 0);
    kg_writer_close(writer);
  }
}

/* Puts the header's own checksum right again. */
static void seal(kg_ring_identity *identity) {
  identity->checksum = 0;
  identity->checksum = kg__crc32c(identity, sizeof *identity);
}

static const struct {
  size_t offset;
  size_t bytes;
  uint64_t value;
  int error;
  const char *says;
} wrong[] = {
    {offsetof(kg_ring_identity, magic), 4, 0x534D474B, KG_E_RING_INVALID,
     "begins with 0x534D474B"},
    {offsetof(kg_ring_identity, magic), 4, 0, KG_E_RING_INVALID,
     "begins with 0x00000000"},
    {offsetof(kg_ring_identity, version), 4, 1, KG_E_RING_VERSION,
     "it has version 1"},
    {offsetof(kg_ring_identity, version), 4, 2, KG_E_RING_VERSION,
     "it has version 2"},
    {offsetof(kg_ring_identity, version), 4, 4, KG_E_RING_VERSION,
     "it has version 4"},
    {offsetof(kg_ring_identity, byte_order), 4, 0x04030201, KG_E_RING_INVALID,
     "another byte order"},
    {offsetof(kg_ring_identity, slot_bytes), 4, 340, KG_E_RING_INVALID,
     "slots are 340 bytes"},
    {offsetof(kg_ring_identity, event_bytes), 4, 341, KG_E_RING_INVALID,
     "events of 341"},
    {offsetof(kg_ring_identity, capacity), 4, 0, KG_E_RING_INVALID,
     "capacity is 0"},
    {offsetof(kg_ring_identity, capacity), 4, 8, KG_E_RING_INVALID,
     "capacity is 8"},
    {offsetof(kg_ring_identity, capacity), 4, 17, KG_E_RING_INVALID,
     "capacity is 17"},
    {offsetof(kg_ring_identity, capacity), 4, 1U << 23, KG_E_RING_INVALID,
     "capacity is 8388608"},
    {offsetof(kg_ring_identity, capacity), 4, 1U << 31, KG_E_RING_INVALID,
     "capacity is 2147483648"},
    {offsetof(kg_ring_identity, capacity), 4, 1U << 20, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, file_bytes), 8, 1, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, file_bytes), 8, UINT64_MAX, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, doorbell_offset), 8, 0, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, slots_offset), 8, UINT64_MAX - 8,
     KG_E_RING_INVALID, "regions do not lie"},
    /* Into the header, amid two regions, onto the one before, past the end. */
    {offsetof(kg_ring_identity, doorbell_offset), 8, 4096, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, doorbell_offset), 8, 65536 + 4096,
     KG_E_RING_INVALID, "regions do not lie"},
    {offsetof(kg_ring_identity, doorbell_offset), 8, 131072, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, slots_offset), 8, 65536, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, slots_offset), 8, 196608, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, lane_offset), 8, 0, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, lane_offset), 8, 131072, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, lane_offset), 8, 196608 + 384,
     KG_E_RING_INVALID, "regions do not lie"},
    {offsetof(kg_ring_identity, lane_offset), 8, 262144, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, lane_offset), 8, UINT64_MAX - 65535,
     KG_E_RING_INVALID, "regions do not lie"},
    {offsetof(kg_ring_identity, priority_events), 4, 0, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, priority_events), 4, 512, KG_E_RING_INVALID,
     "regions do not lie"},
    {offsetof(kg_ring_identity, priority_events), 4, 1, KG_E_RING_INVALID,
     "lane has 1 slots"},
    {offsetof(kg_ring_identity, priority_events), 4, 255, KG_E_RING_INVALID,
     "lane has 255 slots"},
    {offsetof(kg_ring_identity, priority_events), 4, 1U << 17,
     KG_E_RING_INVALID, "lane has 131072 slots"},
    {offsetof(kg_ring_identity, priority_events), 4, UINT32_MAX,
     KG_E_RING_INVALID, "lane has 4294967295 slots"},
    {offsetof(kg_ring_identity, generation), 8, 0, KG_E_RING_INVALID,
     "no generation"},
};

TEST(headers, "F20 each wrong field of the header has its own message") {
  const char *dir = check_temp_dir();
  size_t length = make_ring(dir);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    kg_ring_identity good;
    memcpy(&good, whole, sizeof good);
    memcpy(whole + wrong[i].offset, &wrong[i].value, wrong[i].bytes);
    seal((kg_ring_identity *)(void *)whole);
    put_file(ring_file(dir), whole, length);
    kg_failure failure = refuse(dir, wrong[i].error, length);
    CHECK_CONTAINS(failure.detail, wrong[i].says);
    memcpy(whole, &good, sizeof good);
  }
  put_file(ring_file(dir), whole, length);
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
}

TEST(header_bits, "F20 any flipped bit of the header is found") {
  const char *dir = check_temp_dir();
  size_t length = make_ring(dir);
  kg_ring_identity identity;
  kg_failure failure;
  for (size_t bit = 0; bit < sizeof(kg_ring_identity) * 8; bit++) {
    whole[bit / 8] ^= (unsigned char)(1U << (bit % 8));
    memcpy(after, whole, length);
    int result = kg__ring_verify(after, length, &identity, &failure);
    CHECK(result == KG_E_RING_INVALID || result == KG_E_RING_VERSION);
    CHECK_BYTES(after, whole, length);
    whole[bit / 8] ^= (unsigned char)(1U << (bit % 8));
  }
  CHECK_RESULT(kg__ring_verify(whole, length, &identity, &failure), KG_OK,
               &failure);
}

/* Moves the regions of `whole` apart, as on a system of huge pages. */
static size_t spread(size_t length) {
  kg_ring_identity *identity = (void *)whole;
  const kg_ring_identity old = *identity;
  identity->doorbell_offset += 65536;
  identity->slots_offset += 3 * 65536;
  identity->lane_offset += 5 * 65536;
  identity->file_bytes += 6 * 65536;
  seal(identity);
  memset(after, 0, sizeof after);
  memcpy(after, whole, 65536);
  memcpy(after + identity->doorbell_offset, whole + old.doorbell_offset, 65536);
  memcpy(after + identity->slots_offset, whole + old.slots_offset,
         old.lane_offset - old.slots_offset);
  memcpy(after + identity->lane_offset, whole + old.lane_offset,
         length - old.lane_offset);
  return length + 6 * 65536;
}

TEST(spread_out, "F20 regions are where the header says, for both ends") {
  const char *dir = check_temp_dir();
  size_t length = make_ring(dir);
  put_file(ring_file(dir), after, spread(length));
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(writer_info(writer).generation, reader_info(reader).generation);
  CHECK_EQUAL(write_events(writer, 3), 8);
  account account = {.next = 6};
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(longer, "F20 a file that is longer than its ring is read all the same") {
  const char *dir = check_temp_dir();
  size_t length = make_ring(dir);
  CHECK(system_set_length(ring_file(dir), length + 12345));
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
}

TEST(no_ring, "F32 no ring, no directory: ERR_NO_RING with the path") {
  const char *dir = check_temp_dir();
  const char *none = check_path(dir, "none");
  kg_failure failure = refuse_reader(dir, KG_E_NO_RING);
  CHECK_CONTAINS(failure.detail, check_path(dir, RING_FILE));
  failure = refuse_reader(none, KG_E_NO_RING);
  CHECK_CONTAINS(failure.detail, none);
  failure = refuse_reader(check_path(none, "deeper"), KG_E_NO_RING);
  CHECK_CONTAINS(failure.detail, none);
  /* The reader made nothing. */
  CHECK_EQUAL(check_count_files(dir, ""), 0);
}

TEST(no_parent, "F32 a writer whose directory cannot be made says which") {
  const char *deep = check_path(check_path(check_temp_dir(), "none"), "deeper");
  kg_failure failure = refuse_writer(deep, KG_E_INVALID_OPTION);
  CHECK_CONTAINS(failure.detail, deep);
}

TEST(lock_garbage, "F36 an empty or garbage lock file is harmless") {
  const char *dir = check_temp_dir();
  uint64_t sequence = 0;
  static const char *const texts[] = {"", "1", "99999999\n", "\0\0\xFF"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    put_file(check_path(dir, LOCK_FILE), texts[i], strlen(texts[i]));
    kg_writer *writer = open_writer(dir, 16);
    sequence = write_events(writer, 3);
    CHECK_EQUAL(sequence, 3 * (i + 1));
    refuse_writer(dir, KG_E_RING_LOCKED);
    kg_writer_close(writer);
  }
}

TEST(names, "a name that would not do as a file's name is refused") {
  static const char *const names[] = {
      "",
      ".",
      "..",
      ".x",
      "a/b",
      "a b",
      "../x",
      "a\n",
      "\xC3\xA4",
      "x234567890123456789012345678901234567890123456789012345678901234567"};
  const char *dir = check_temp_dir();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const kg_ring_options options = {.dir = dir, .name = names[i]};
    kg_writer *writer = NULL;
    kg_reader *reader = NULL;
    CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_E_INVALID_OPTION,
                 NULL);
    CHECK_RESULT(kg_reader_open(&options, &reader, NULL), KG_E_INVALID_OPTION,
                 NULL);
  }
  CHECK_EQUAL(check_count_files(dir, ""), 0);
}

TEST(sizes, "max_events and max_bytes are kept or refused with what would do") {
  const char *dir = check_temp_dir();
  kg_ring_options options = {.dir = dir, .max_events = 1000};
  kg_failure failure;
  kg_writer *writer = NULL;
  options.max_bytes = kg__ring_bytes(1024, KG_DEFAULT_PRIORITY_EVENTS) - 1;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_E_INVALID_OPTION,
               &failure);
  CHECK_CONTAINS(failure.detail,
                 "but 1000 events and 256 priority events need 655360");
  options.max_bytes++;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(writer_info(writer).capacity, 1024);
  CHECK_EQUAL(writer_info(writer).file_bytes, 655360);
  kg_writer_close(writer);
  options.max_events = KG_MAX_CAPACITY + 1;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_E_INVALID_OPTION,
               &failure);
}

/* --- Holes -----------------------------------------------------------------
 */

#if SYSTEM_KEEPS_IN_MEMORY

/* A ring of the largest size, of which nothing but the header was written. */
static void make_sparse(const char *path, uint64_t head) {
  const kg__ring_setup setup = {
      .capacity = KG_MAX_CAPACITY, .checksums = true, .generation = 5};
  static unsigned char begin[sizeof(kg_ring_header)];
  kg_ring_header *header = (void *)begin;
  kg__ring ring;
  memset(begin, 0, sizeof begin);
  kg__ring_format(begin, &setup, &ring);
  header->head = head;
  header->claim = head;
  header->last_sequence = head;
  put_file(path, begin, sizeof begin);
  CHECK(truncate(path, (off_t)kg__ring_bytes(KG_MAX_CAPACITY, 0)) == 0);
}

static uint64_t kibibytes_of(const char *path) {
  struct stat info;
  CHECK(stat(path, &info) == 0);
  return (uint64_t)info.st_blocks / 2;
}

TEST(holes, "F64 a ring with holes: refused, and no memory is filled") {
  const char *dir = check_temp_dir();
  const char *path = check_path(dir, RING_FILE);
  const uint64_t heads[] = {0, 7, KG_MAX_CAPACITY,
                            5 * (uint64_t)KG_MAX_CAPACITY};
  for (int i = 0; i < 4; i++) {
    make_sparse(path, heads[i]);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    refuse_reader(dir, KG_E_RING_INVALID);
    CHECK(kibibytes_of(path) <= 64);
    /* A writer puts a ring of its own in its place. */
    kg_writer *writer = open_writer(dir, 16);
    CHECK_EQUAL(write_events(writer, 3), 3);
    struct stat info;
    CHECK(fstat(fd, &info) == 0 && info.st_blocks / 2 <= 64);
    close(fd);
    kg_writer_close(writer);
    remove_file(dir, RING_FILE);
  }
}

#endif

TEST(defaults, "the default size: 1000 events and 256 with priority") {
  kg__ring_setup setup = {.capacity = 0};
  const kg_ring_options options = {.dir = NULL};
  CHECK_RESULT(kg__geometry_of(&options, &setup, NULL), KG_OK, NULL);
  CHECK_EQUAL(setup.capacity, 1024);
  CHECK_EQUAL(setup.priority_events, 256);
}

TEST(largest, "the largest ring and lane are just that, and the least") {
  const struct {
    uint32_t events;
    uint32_t priority;
    uint32_t capacity; /* 0: refused */
    uint32_t lane;
  } cases[] = {{1, 1, 16, 2},
               {16, 2, 16, 2},
               {17, 3, 32, 4},
               {KG_MAX_CAPACITY - 1, KG_MAX_PRIORITY_EVENTS - 1,
                KG_MAX_CAPACITY, KG_MAX_PRIORITY_EVENTS},
               {KG_MAX_CAPACITY, KG_MAX_PRIORITY_EVENTS, KG_MAX_CAPACITY,
                KG_MAX_PRIORITY_EVENTS},
               {16, KG_PRIORITY_NONE, 16, 0},
               {KG_MAX_CAPACITY + 1, 2, 0, 0},
               {UINT32_MAX, 2, 0, 0},
               {16, KG_MAX_PRIORITY_EVENTS + 1, 0, 0},
               {16, UINT32_MAX - 1, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const kg_ring_options options = {.max_events = cases[i].events,
                                     .priority_events = cases[i].priority};
    kg__ring_setup setup = {.capacity = 0};
    kg_failure failure;
    int result = kg__geometry_of(&options, &setup, &failure);
    CHECK_RESULT(result, cases[i].capacity == 0 ? KG_E_INVALID_OPTION : KG_OK,
                 &failure);
    CHECK_EQUAL(setup.capacity, cases[i].capacity);
    CHECK_EQUAL(setup.priority_events, cases[i].lane);
    if (result != KG_OK) {
      CHECK_CONTAINS(failure.detail, cases[i].events > KG_MAX_CAPACITY
                                         ? "max_events"
                                         : "priority_events");
    }
  }
}

TEST(long_name, "a name of 64 characters is the longest") {
  char name[66];
  kg__names names;
  memset(name, 'n', sizeof name);
  name[64] = '\0';
  CHECK_RESULT(kg__names_make(name, &names, NULL), KG_OK, NULL);
  CHECK_EQUAL(strlen(names.readers), 64 + strlen(".readers"));
  name[64] = 'n';
  name[65] = '\0';
  CHECK_RESULT(kg__names_make(name, &names, NULL), KG_E_INVALID_OPTION, NULL);
}
