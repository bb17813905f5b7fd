// What the programs here have in common: numbered threats, and lines of JSON.
#ifndef NUMBERED_HPP
#define NUMBERED_HPP

#include <cstdint>
#include <cstdio>
#include <string>

#include <kindly-guard-ipc/kindly_guard_ipc.hpp>

namespace kg = kindly_guard;

inline std::string quoted(const std::string &text) {
  std::string made = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < ' ' || c == '"' || c == '\\') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      made += escape;
    } else {
      made += c;
    }
  }
  return made + "\"";
}

inline kg::Threat numbered(std::uint64_t number) {
  kg::Threat threat;
  threat.threat_type = KG_THREAT_PATH_TRAVERSAL;
  threat.severity = static_cast<std::uint8_t>(1 + number % 4);
  threat.source = "writer";
  threat.details = "details " + std::to_string(number);
  for (int i = 0; number % 50 == 0 && i < 100; i++) {
    threat.details += " long";
  }
  return threat;
}

inline std::string repeated(const std::string &text, int count) {
  std::string made;
  for (int i = 0; i < count; i++) {
    made += text;
  }
  return made;
}

inline kg::Options options_of(const std::string &dir) {
  kg::Options options(dir);
  options.raw.max_events = 256;
  options.raw.priority_events = 16;
  return options;
}

#endif
