// What a run says of itself, when somebody wants to read it.
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

namespace model {

// What must not happen, thrown where it does.
struct Violation {
  std::string what;
};

class Trace {
public:
  bool is_wanted = false;
  std::vector<std::string> lines;

  // printf's way; costs nothing while no trace is wanted.
  __attribute__((format(printf, 2, 3))) void say(const char *format, ...) {
    if (!is_wanted) {
      return;
    }
    char line[200];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    lines.push_back(line);
  }
};

} // namespace model

#endif
