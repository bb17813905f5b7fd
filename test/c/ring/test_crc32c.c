/* The checksum: published vectors, and the instruction against the table. */
#include <string.h>

#include "../../../native/include/kg_ipc.h"
#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

TEST(vectors, "CRC32C gives the values of RFC 3720 and of 123456789") {
  unsigned char bytes[32];
  memset(bytes, 0, sizeof bytes);
  CHECK_EQUAL(kg__crc32c(bytes, sizeof bytes), 0x8A9136AA);
  memset(bytes, 0xFF, sizeof bytes);
  CHECK_EQUAL(kg__crc32c(bytes, sizeof bytes), 0x62A8AB43);
  for (int i = 0; i < 32; i++) {
    bytes[i] = (unsigned char)i;
  }
  CHECK_EQUAL(kg__crc32c(bytes, sizeof bytes), 0x46DD794E);
  for (int i = 0; i < 32; i++) {
    bytes[i] = (unsigned char)(31 - i);
  }
  CHECK_EQUAL(kg__crc32c(bytes, sizeof bytes), 0x113FDB5C);
  CHECK_EQUAL(kg__crc32c("123456789", 9), 0xE3069283);
  CHECK_EQUAL(kg__crc32c("", 0), 0);
}

TEST(hardware, "CRC32C of the CPU's instruction is that of the table") {
  uint64_t seed = 1;
  kg__word words[100];
  for (int round = 0; round < 5000; round++) {
    size_t count = check_random(&seed) % 101;
    uint32_t crc = (uint32_t)check_random(&seed);
    for (size_t i = 0; i < count; i++) {
      words[i] = check_random(&seed);
    }
    CHECK_EQUAL(kg__crc32c_words(crc, words, count),
                kg__crc32c_words_portable(crc, words, count));
  }
}

TEST(slot, "CRC32C of a slot is that of its words and the two behind them") {
  check_slot_checksums();
}

TEST(bytes, "CRC32C of bytes at any offset is that of words") {
  uint64_t seed = 2;
  unsigned char bytes[96];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (unsigned char)check_random(&seed);
  }
  for (size_t offset = 0; offset < 8; offset++) {
    kg__word words[8];
    memcpy(words, bytes + offset, sizeof words);
    CHECK_EQUAL(
        kg__crc32c(bytes + offset, sizeof words),
        KG__CRC32C_END(kg__crc32c_words_portable(KG__CRC32C_BEGIN, words, 8)));
  }
}

TEST(method, "CRC32C says how it is computed") {
  const char *method = kg_checksum_method();
  CHECK(strcmp(method, "sse4.2") == 0 || strcmp(method, "armv8-crc") == 0 ||
        strcmp(method, "portable") == 0);
}
