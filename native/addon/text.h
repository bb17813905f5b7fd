// Text of JavaScript on its way into a threat.
#ifndef KG_TEXT_H
#define KG_TEXT_H

#include <node_api.h>

#include <cstring>
#include <memory>
#include <new>

#include "../include/kg_ipc.h"

namespace kg {

// A JavaScript string as UTF-8, on the stack unless it is long.
class Utf8 {
public:
  // KG_OK, or why it cannot be had.
  int Read(napi_env env, napi_value value) {
    // V8 hands out its own units twice as fast as it encodes them, and nearly
    // all text is ASCII, where that is only to leave out every other byte.
    char16_t units[kShort + kStep];
    size_t length = 0;
    if (napi_get_value_string_utf16(env, value, units, kShort, &length) !=
        napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    if (length + 1 == kShort) {
      return ReadLong(env, value);
    }
    // In whole steps, and one thing at a time: compilers have wide instructions
    // for each of the two loops, and not for both in one.
    std::memset(units + length, 0, sizeof(char16_t) * kStep);
    const size_t whole = (length + kStep - 1) / kStep * kStep;
    char16_t all = 0;
    for (size_t i = 0; i < whole; i++) {
      all |= units[i];
    }
    for (size_t i = 0; i < whole; i++) {
      stack_[i] = static_cast<char>(units[i]);
    }
    if (all >= 0x80 &&
        napi_get_value_string_utf8(env, value, stack_, sizeof stack_,
                                   &length) != napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    text_ = {stack_, length};
    return KG_OK;
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

  // Units of UTF-16, each of which makes three bytes at the most.
  static constexpr size_t kShort = 512;
  static constexpr size_t kStep = 16;

  kg_text text_ = {nullptr, 0};
  std::unique_ptr<char[]> heap_;
  char stack_[kShort * 3];
};

} // namespace kg

#endif
