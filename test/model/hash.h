// 128 bits of a sequence of bytes. Two states are taken for one when these are
// equal: among ten million states that happens by chance once in 10^24 runs.
#ifndef MODEL_HASH_H
#define MODEL_HASH_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_set>

namespace model {

struct Hash {
  uint64_t high;
  uint64_t low;
  bool operator==(const Hash &other) const {
    return high == other.high && low == other.low;
  }
};

struct HashOfHash {
  size_t operator()(const Hash &hash) const {
    return hash.high;
  }
};

using HashSet = std::unordered_set<Hash, HashOfHash>;

inline Hash hash_of(const void *bytes, size_t count) {
  const char *at = static_cast<const char *>(bytes);
  uint64_t a = UINT64_C(0x9E3779B97F4A7C15) ^ count;
  uint64_t b = UINT64_C(0xC2B2AE3D27D4EB4F) + count;
  while (count > 0) {
    uint64_t word = 0;
    size_t taken = count < sizeof word ? count : sizeof word;
    std::memcpy(&word, at, taken);
    a = (a ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
    a ^= a >> 32;
    b = (b + word) * UINT64_C(0xC4CEB9FE1A85EC53);
    b ^= b >> 29;
    at += taken;
    count -= taken;
  }
  return {a, b};
}

} // namespace model

#endif
