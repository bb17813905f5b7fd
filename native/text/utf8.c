#include "../include/kg_ipc.h"

#include <string.h>

#define EIGHT_HIGH_BITS UINT64_C(0x8080808080808080)

/* How many bytes of ASCII stand first. */
static size_t count_ascii(const unsigned char *bytes, size_t length) {
  size_t at = 0;
  uint64_t word;
  while (length - at >= sizeof word) {
    memcpy(&word, bytes + at, sizeof word);
    if ((word & EIGHT_HIGH_BITS) != 0) {
      break;
    }
    at += sizeof word;
  }
  while (at < length && bytes[at] < 0x80) {
    at++;
  }
  return at;
}

/* What follows a first byte, by table 3-7 of the Unicode standard: how many
 * bytes, and which the first of those may be. That excludes what is longer than
 * it need be, halves of a surrogate pair, and all above U+10FFFF. */
typedef struct {
  uint8_t first_from;
  uint8_t first_to;
  uint8_t followers;
  uint8_t second_from;
  uint8_t second_to;
} sequence;

/* The bytes of the character that begins with one that is not ASCII; 0: none
 * does. */
static size_t character_bytes(const unsigned char *bytes, size_t length) {
  static const sequence sequences[] = {
      {0xC2, 0xDF, 1, 0x80, 0xBF}, {0xE0, 0xE0, 2, 0xA0, 0xBF},
      {0xE1, 0xEC, 2, 0x80, 0xBF}, {0xED, 0xED, 2, 0x80, 0x9F},
      {0xEE, 0xEF, 2, 0x80, 0xBF}, {0xF0, 0xF0, 3, 0x90, 0xBF},
      {0xF1, 0xF3, 3, 0x80, 0xBF}, {0xF4, 0xF4, 3, 0x80, 0x8F}};
  for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
    const sequence *s = &sequences[i];
    if (bytes[0] < s->first_from || bytes[0] > s->first_to) {
      continue;
    }
    if (length <= s->followers || bytes[1] < s->second_from ||
        bytes[1] > s->second_to) {
      return 0;
    }
    for (size_t more = 2; more <= s->followers; more++) {
      if ((bytes[more] & 0xC0) != 0x80) {
        return 0;
      }
    }
    return s->followers + (size_t)1;
  }
  return 0;
}

int kg_utf8_check(const char *text, size_t length, size_t *wrong_at) {
  const unsigned char *bytes = (const unsigned char *)text;
  if (text == NULL && length > 0) {
    return KG_E_INVALID_ARGUMENT;
  }
  size_t at = 0;
  while (at < length) {
    at += count_ascii(bytes + at, length - at);
    if (at < length) {
      size_t width = character_bytes(bytes + at, length - at);
      if (width == 0) {
        if (wrong_at != NULL) {
          *wrong_at = at;
        }
        return KG_E_INVALID_THREAT;
      }
      at += width;
    }
  }
  return KG_OK;
}
