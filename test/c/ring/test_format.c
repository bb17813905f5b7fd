/* A header of a ring: each field at its limit, and just past it, under a right
 * checksum. */
#include <string.h>

#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

#define REGION KG_REGION_ALIGNMENT

static kg_ring_identity whole(uint32_t capacity, uint32_t lane) {
  static unsigned char base[16 * REGION];
  const kg__ring_setup setup = {.capacity = capacity,
                                .priority_events = lane,
                                .checksums = true,
                                .generation = 7};
  kg__ring ring;
  CHECK(kg__ring_bytes(capacity, lane) <= sizeof base);
  memset(base, 0, sizeof base);
  kg__ring_format(base, &setup, &ring);
  return ((const kg_ring_header *)(const void *)base)->identity;
}

/* What is said of it in a file of `length` bytes, 0: as long as it says. */
static int verify(kg_ring_identity identity, uint64_t length,
                  kg_failure *failure) {
  static kg_ring_header header;
  kg_ring_identity found;
  identity.checksum = 0;
  identity.checksum = kg__crc32c(&identity, sizeof identity);
  header.identity = identity;
  int result = kg__ring_verify(
      &header, length == 0 ? identity.file_bytes : length, &found, failure);
  if (result == KG_OK) {
    CHECK_BYTES(&found, &identity, sizeof found);
  }
  return result;
}

static void check(kg_ring_identity identity, bool is_fine) {
  kg_failure failure = {.error = KG_OK};
  CHECK_RESULT(verify(identity, 0, &failure),
               is_fine ? KG_OK : KG_E_RING_INVALID, &failure);
}

TEST(file_bytes, "F20 a file ends at a region's end, and is not too large") {
  kg_ring_identity identity = whole(16, 8);
  check(identity, true);
  uint64_t bytes = identity.file_bytes;
  const struct {
    uint64_t bytes;
    bool is_fine;
  } cases[] = {{bytes - REGION, false},
               {bytes - 1, false},
               {bytes + 1, false},
               {bytes + REGION, true},
               {bytes + REGION / 2, false},
               {KG_MAX_FILE_BYTES - REGION, true},
               {KG_MAX_FILE_BYTES, true},
               {KG_MAX_FILE_BYTES + REGION, false},
               {UINT64_MAX - REGION + 1, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    identity.file_bytes = cases[i].bytes;
    check(identity, cases[i].is_fine);
  }
}

TEST(capacity, "F20 capacities are powers of two from 16 to 2^22") {
  const struct {
    uint32_t capacity;
    bool is_fine;
  } cases[] = {{0, false},
               {8, false},
               {15, false},
               {17, false},
               {24, false},
               {32, true},
               {KG_MAX_CAPACITY, true},
               {KG_MAX_CAPACITY * 2, false},
               {UINT32_MAX, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kg_ring_identity identity = whole(16, 0);
    identity.capacity = cases[i].capacity;
    identity.file_bytes = KG_MAX_FILE_BYTES;
    check(identity, cases[i].is_fine);
  }
}

TEST(lanes, "F20 lanes are none, or powers of two from 2 to 2^16") {
  const struct {
    uint32_t events;
    bool is_fine;
  } cases[] = {{1, false},
               {2, true},
               {3, false},
               {KG_MAX_PRIORITY_EVENTS, true},
               {KG_MAX_PRIORITY_EVENTS * 2, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kg_ring_identity identity = whole(16, 8);
    identity.priority_events = cases[i].events;
    identity.file_bytes = KG_MAX_FILE_BYTES;
    check(identity, cases[i].is_fine);
  }
  kg_ring_identity none = whole(16, 0);
  check(none, true);
  none.lane_offset = none.file_bytes - REGION;
  check(none, false);
}

TEST(regions,
     "F20 regions lie behind each other, and end where the file does") {
  kg_ring_identity identity = whole(16, 8);
  uint64_t *const offsets[] = {&identity.doorbell_offset,
                               &identity.slots_offset, &identity.lane_offset};
  for (int i = 0; i < 3; i++) {
    uint64_t before = *offsets[i];
    const uint64_t wrong[] = {0,
                              before - REGION,
                              before + 1,
                              before + 8,
                              identity.file_bytes,
                              identity.file_bytes + REGION,
                              UINT64_MAX - REGION + 1};
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++) {
      *offsets[i] = wrong[n];
      check(identity, false);
    }
    *offsets[i] = before;
    check(identity, true);
  }
  /* The last one may end with the file, and begin later. */
  identity.file_bytes += REGION;
  identity.lane_offset += REGION;
  check(identity, true);
  identity.lane_offset += REGION;
  check(identity, false);
}

TEST(lengths, "F19 F22 a file that lacks a byte is cut short, or no ring") {
  kg_failure failure;
  kg_ring_identity identity = whole(16, 8);
  const struct {
    uint64_t length;
    int result;
  } cases[] = {{sizeof(kg_ring_header) - 1, KG_E_RING_INVALID},
               {sizeof(kg_ring_header), KG_E_RING_TRUNCATED},
               {identity.file_bytes - 1, KG_E_RING_TRUNCATED},
               {identity.file_bytes + 1, KG_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK_RESULT(verify(identity, cases[i].length, &failure), cases[i].result,
                 &failure);
  }
}

TEST(kinds, "F20 a file of another kind, byte order or version is named so") {
  kg_failure failure;
  kg_ring_identity identity = whole(16, 8);
  identity.generation = 0;
  CHECK_RESULT(verify(identity, 0, &failure), KG_E_RING_INVALID, &failure);
  CHECK_CONTAINS(failure.detail, "no generation");
  /* What says less about the rest is looked at first. */
  identity.version++;
  CHECK_RESULT(verify(identity, 0, &failure), KG_E_RING_VERSION, &failure);
  CHECK_CONTAINS(failure.detail, "version 4");
  identity.byte_order = 0x04030201;
  CHECK_RESULT(verify(identity, 0, &failure), KG_E_RING_INVALID, &failure);
  CHECK_CONTAINS(failure.detail, "byte order");
  identity.magic++;
  CHECK_RESULT(verify(identity, 0, &failure), KG_E_RING_INVALID, &failure);
  CHECK_CONTAINS(failure.detail, "begins with");
}

TEST(predecessor, "F60 the predecessor's priority events: a number, or none") {
  const uint64_t counts[] = {0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                             KG_PRIORITY_UNKNOWN};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    static unsigned char base[4 * REGION];
    const kg__ring_setup setup = {.capacity = 16,
                                  .generation = 7,
                                  .predecessor_generation = 5,
                                  .predecessor_sequence = 40,
                                  .predecessor_priority = counts[i]};
    kg__ring made;
    kg__ring found;
    kg_ring_identity identity;
    memset(base, 0, sizeof base);
    kg__ring_format(base, &setup, &made);
    CHECK_RESULT(kg__ring_verify(base, sizeof base, &identity, NULL), KG_OK,
                 NULL);
    kg__ring_attach(base, &identity, &found);
    /* Behind the last one there may be bytes that are nobody's. */
    CHECK_BYTES(&made, &found, offsetof(kg__ring, checksums));
    CHECK(made.checksums == found.checksums);
    CHECK(found.predecessor_priority ==
          (counts[i] <= UINT32_MAX ? counts[i] : KG_PRIORITY_UNKNOWN));
    CHECK_EQUAL(found.predecessor_generation, 5);
    CHECK_EQUAL(found.predecessor_sequence, 40);
    CHECK(!found.checksums);
  }
}

TEST(pages, "the regions of a new ring begin where pages of any size do") {
  const uint64_t sizes[] = {0, REGION, 2 * REGION, 32 * REGION};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    static unsigned char base[128 * REGION];
    const uint64_t size = sizes[i] == 0 ? REGION : sizes[i];
    const kg__ring_setup setup = {.region_bytes = sizes[i],
                                  .capacity = 16,
                                  .priority_events = 8,
                                  .generation = 7};
    kg_ring_identity identity;
    kg__ring ring;
    kg_failure failure;
    memset(base, 0, sizeof base);
    kg__ring_format(base, &setup, &ring);
    CHECK_RESULT(kg__ring_verify(base, sizeof base, &identity, &failure), KG_OK,
                 &failure);
    CHECK_EQUAL(identity.doorbell_offset, size);
    CHECK_EQUAL(identity.slots_offset, 2 * size);
    /* Behind the slots nothing is protected otherwise. */
    CHECK_EQUAL(identity.lane_offset, 2 * size + REGION);
    CHECK_EQUAL(identity.file_bytes, (sizes[i] > REGION ? 3 : 4) * size);
    CHECK_EQUAL(identity.file_bytes, kg__setup_bytes(&setup));
  }
  CHECK_EQUAL(kg__ring_bytes(16, 8), 4 * REGION);
}
