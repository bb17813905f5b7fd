/* What both ends of kindly_guard_ipc.hpp have: errors, threats, losses,
 * options.
 */
#ifndef KG_THREAT_HPP
#define KG_THREAT_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include "kg_ipc.h"

namespace kindly_guard {

/* --- Errors --------------------------------------------------------------- */

class Error : public std::runtime_error {
public:
  /* `number` is one of enum kg_error. */
  explicit Error(int number, const kg_failure *failure = nullptr)
      : std::runtime_error(message_of(number, failure)), number_(number),
        system_error_(is_about(number, failure) ? failure->system_error : 0) {}

  int number() const noexcept {
    return number_;
  }

  /* "ERR_NO_RING" and the like. */
  const char *code() const noexcept {
    return kg_error_code(number_);
  }

  /* errno, or 0. */
  int system_error() const noexcept {
    return system_error_;
  }

private:
  static bool is_about(int number, const kg_failure *failure) {
    return failure != nullptr && failure->error == number;
  }

  static std::string message_of(int number, const kg_failure *failure) {
    std::string message = std::string(kg_error_code(number)) + ": ";
    message += kg_error_what(number);
    if (is_about(number, failure) && failure->detail[0] != '\0') {
      message += std::string(" (") + failure->detail + ")";
    }
    return message + " " + kg_error_advice(number);
  }

  int number_;
  int system_error_;
};

/* --- Threats -------------------------------------------------------------- */

/* UTF-8, which may hold NUL. Nothing checks it: kg_text in kg_ipc.h. */
struct Threat {
  std::uint64_t timestamp_us = 0; /* since 1970; 0 when writing: now */
  std::uint32_t threat_type = KG_THREAT_UNKNOWN; /* enum kg_threat_type */
  std::uint8_t severity = KG_SEVERITY_LOW;       /* enum kg_severity */
  bool blocked = false;
  std::string source;
  std::string details;
  std::string id;      /* empty: none of its own */
  std::string context; /* JSON; empty: none */

  /* Set by reading, ignored by writing. */
  std::uint64_t generation = 0; /* the ring's; names it with `sequence` */
  std::uint64_t sequence = 0;
  std::uint64_t publish_ns = 0; /* the writer's monotonic clock */
  bool cut = false;             /* text is missing: see kg_threat */
};

/* Events that this reader does not get, sequences `from` to `to`. */
struct Loss {
  std::uint32_t reason = KG_LOSS_NONE; /* enum kg_loss_reason */
  std::uint64_t count = 0;             /* or KG_LOST_UNKNOWN */
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t priority = 0;   /* of them, or KG_PRIORITY_UNKNOWN */
  std::uint64_t generation = 0; /* of the ring that had them */

  /* "overwritten" and the like, as in JavaScript. */
  const char *name() const noexcept {
    static const char *const names[] = {
        "none", "overwritten", "corrupt", "before-join", "evicted", "replaced"};
    return reason < sizeof names / sizeof *names ? names[reason] : "unknown";
  }
};

/* --- Options -------------------------------------------------------------- */

/* kg_ring_options, with its texts. What has no member here is set in `raw`,
 * whose own struct_size, dir and name are not looked at. */
struct Options {
  std::string dir;  /* empty: this system's default */
  std::string name; /* empty: "kindly-guard" */
  kg_ring_options raw = kg_ring_options();

  Options() = default;
  explicit Options(std::string directory) : dir(std::move(directory)) {}

  /* Valid as long as this is, and unchanged. */
  kg_ring_options get() const {
    refuse_nul("dir", dir);
    refuse_nul("name", name);
    kg_ring_options options = raw;
    options.struct_size = sizeof options;
    options.dir = dir.empty() ? nullptr : dir.c_str();
    options.name = name.empty() ? nullptr : name.c_str();
    return options;
  }

private:
  static void refuse_nul(const char *option, const std::string &value) {
    if (value.find('\0') != std::string::npos) {
      kg_failure failure = kg_failure();
      failure.error = KG_E_INVALID_OPTION;
      std::snprintf(failure.detail, sizeof failure.detail, "%s has a NUL",
                    option);
      throw Error(KG_E_INVALID_OPTION, &failure);
    }
  }
};

/* For `raw.numa_node`: KG_NUMA_NODE, which has a cast of C. */
constexpr std::uint32_t numa_node(std::uint32_t number) noexcept {
  return number + 1;
}

/* --- What both ends have -------------------------------------------------- */

namespace detail {

/* A pointer of the library's, freed once. */
template <typename T, void (*Free)(T *)> class Handle {
public:
  Handle() noexcept = default;
  explicit Handle(T *pointer) noexcept : pointer_(pointer) {}
  Handle(Handle &&other) noexcept : pointer_(other.pointer_) {
    other.pointer_ = nullptr;
  }
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      reset();
      std::swap(pointer_, other.pointer_);
    }
    return *this;
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() {
    reset();
  }

  void reset() noexcept {
    T *pointer = pointer_;
    pointer_ = nullptr;
    Free(pointer);
  }

  T *get() const {
    if (pointer_ == nullptr) {
      throw Error(KG_E_CLOSED);
    }
    return pointer_;
  }

  bool is_open() const noexcept {
    return pointer_ != nullptr;
  }

private:
  T *pointer_ = nullptr;
};

inline kg_text text_of(const std::string &text) {
  kg_text made = {text.data(), text.size()};
  return made;
}

inline std::string string_of(const kg_text &text) {
  return text.length == 0 ? std::string()
                          : std::string(text.bytes, text.length);
}

/* Of its texts, the bytes of `threat`. */
inline kg_threat raw_of(const Threat &threat) {
  kg_threat raw = kg_threat();
  raw.timestamp_us = threat.timestamp_us;
  raw.threat_type = threat.threat_type;
  raw.severity = threat.severity;
  raw.blocked = threat.blocked;
  raw.source = text_of(threat.source);
  raw.details = text_of(threat.details);
  raw.id = text_of(threat.id);
  raw.context = text_of(threat.context);
  return raw;
}

inline Threat threat_of(const kg_threat &raw) {
  Threat threat;
  threat.timestamp_us = raw.timestamp_us;
  threat.threat_type = raw.threat_type;
  threat.severity = raw.severity;
  threat.blocked = raw.blocked;
  threat.source = string_of(raw.source);
  threat.details = string_of(raw.details);
  threat.id = string_of(raw.id);
  threat.context = string_of(raw.context);
  threat.sequence = raw.sequence;
  threat.publish_ns = raw.publish_ns;
  threat.cut = raw.cut;
  return threat;
}

inline Loss loss_of(const kg_batch &batch) {
  Loss loss;
  loss.reason = batch.loss_reason;
  loss.count = batch.lost;
  loss.from = batch.lost_from;
  loss.to = batch.lost_to;
  loss.priority = batch.lost_priority;
  return loss;
}

} // namespace detail

} // namespace kindly_guard

#endif
