// Text of JavaScript on its way into a threat.
#ifndef KG_TEXT_H
#define KG_TEXT_H

#include <node_api.h>

#include <cstring>
#include <memory>
#include <new>

#include "../include/kg_ipc.h"
#include "protocol.h"

namespace kg {

// Units of UTF-16 are encoded in whole steps: what is read from has as many
// behind its end, and what is written to three bytes for each of them.
constexpr size_t kStep = 16;
// A text with fewer units is a short one.
constexpr size_t kShort = 512;

// The character that begins at `*at`, which moves to the last of its units. For
// a lone surrogate, of which lib/threat/check.js lets none through, U+FFFD.
inline uint32_t CodePoint(const char16_t *units, size_t length, size_t *at) {
  const uint32_t unit = units[*at];
  if ((unit & 0xf800) != 0xd800) {
    return unit;
  }
  if (unit >= 0xdc00 || *at + 1 == length ||
      (units[*at + 1] & 0xfc00) != 0xdc00) {
    return 0xfffd;
  }
  *at += 1;
  return 0x10000 + ((unit & 0x3ff) << 10) + (units[*at] & 0x3ff);
}

// UTF-8 of one character. Returns what is behind it.
inline char *Put(uint32_t point, char *to) {
  if (point < 0x80) {
    *to++ = static_cast<char>(point);
    return to;
  }
  if (point < 0x800) {
    *to++ = static_cast<char>(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      *to++ = static_cast<char>(0xe0 | point >> 12);
    } else {
      *to++ = static_cast<char>(0xf0 | point >> 18);
      *to++ = static_cast<char>(0x80 | (point >> 12 & 0x3f));
    }
    *to++ = static_cast<char>(0x80 | (point >> 6 & 0x3f));
  }
  *to++ = static_cast<char>(0x80 | (point & 0x3f));
  return to;
}

// UTF-16 as UTF-8. Returns its bytes. V8 hands out its own units several times
// as fast as it encodes them.
inline size_t Encode(const char16_t *units, size_t length, char *to) {
  // Nearly all text is ASCII. One thing at a time: compilers have wide
  // instructions for each of the two loops, and not for both in one.
  const size_t whole = (length + kStep - 1) / kStep * kStep;
  char16_t all = 0;
  for (size_t i = 0; i < whole; i++) {
    all |= units[i];
  }
  for (size_t i = 0; i < whole; i++) {
    to[i] = static_cast<char>(units[i]);
  }
  if (all < 0x80) {
    return length;
  }
  char *end = to;
  for (size_t i = 0; i < length; i++) {
    end = Put(CodePoint(units, length, &i), end);
  }
  return static_cast<size_t>(end - to);
}

// A JavaScript string as UTF-8, on the stack unless it is long.
class Utf8 {
public:
  // KG_OK, or why it cannot be had.
  int Read(napi_env env, napi_value value) {
    char16_t units[kShort + kStep];
    size_t length = 0;
    if (napi_get_value_string_utf16(env, value, units, kShort, &length) !=
        napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    if (length + 1 == kShort) {
      return ReadLong(env, value);
    }
    std::memset(units + length, 0, sizeof(char16_t) * kStep);
    Take(units, length);
    return KG_OK;
  }
  // Short text, with whatever in the step behind it.
  void Take(const char16_t *units, size_t length) {
    text_ = {stack_, Encode(units, length, stack_)};
  }
  kg_text text() const {
    return text_;
  }

private:
  int ReadLong(napi_env env, napi_value value) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) !=
        napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    // No ring holds more; refused before anybody copies it.
    if (length > size_t{KG_MAX_SPAN} * KG_EVENT_BYTES) {
      return KG_E_EVENT_TOO_LARGE;
    }
    heap_.reset(new (std::nothrow) char[length + 1]);
    if (heap_ == nullptr) {
      return KG_E_NO_MEMORY;
    }
    text_ = {heap_.get(), length};
    return napi_get_value_string_utf8(env, value, heap_.get(), length + 1,
                                      &length) == napi_ok
               ? KG_OK
               : KG_E_INVALID_THREAT;
  }

  kg_text text_ = {nullptr, 0};
  std::unique_ptr<char[]> heap_;
  char stack_[kShort * 3];
};

// The short texts of several threats, which stand one behind the other in one
// string of JavaScript: V8 puts that together and hands it out at once.
class JoinedTexts {
public:
  // (value, length: of all of them): KG_OK, or why they cannot be had. At most
  // kMost units.
  int Read(napi_env env, napi_value value, size_t length) {
    if (length > kMost) {
      return KG_E_INVALID_ARGUMENT;
    }
    if (units_ == nullptr) {
      units_.reset(new (std::nothrow) char16_t[kMost + 1 + kStep]());
    }
    if (units_ == nullptr) {
      return KG_E_NO_MEMORY;
    }
    size_t copied = 0;
    at_ = units_.get();
    return napi_get_value_string_utf16(env, value, units_.get(), kMost + 1,
                                       &copied) == napi_ok &&
                   copied == length
               ? KG_OK
               : KG_E_INVALID_ARGUMENT;
  }

  // The next one, of so many units. All together no more than were read.
  void Next(size_t length, Utf8 *text) {
    text->Take(at_, length);
    at_ += length;
  }

  static constexpr size_t kMost = KG_STAGE_MOST * kShort;

private:
  std::unique_ptr<char16_t[]> units_;
  const char16_t *at_ = nullptr;
};

} // namespace kg

#endif
