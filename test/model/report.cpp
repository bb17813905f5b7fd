#include "report.h"

#include <chrono>
#include <cstdio>

namespace model {

static double now() {
  using std::chrono::steady_clock;
  static const steady_clock::time_point start = steady_clock::now();
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// A short run ends by itself long before these.
static constexpr size_t SHORT_LIMIT = 3000000;
static constexpr size_t LONG_LIMIT = 20000000;

size_t Report::limit() const {
  if (options_.limit != 0) {
    return options_.limit;
  }
  return options_.is_long ? LONG_LIMIT : SHORT_LIMIT;
}

bool Report::wants(const std::string &name) const {
  return name.find(options_.only) != std::string::npos;
}

void Report::section(const char *title) {
  std::printf("\n%-54s %-30s %9s %7s  %s\n", title, "size", "states", "seconds",
              "result");
}

void Report::begin(const std::string &name, const std::string &size) {
  name_ = name;
  size_ = size;
  begun_ = now();
}

void Report::end(const Outcome &outcome, const std::string &result,
                 bool is_right, bool tells) {
  rows_++;
  std::printf("%-54s %-30s %9zu %7.1f  %s%s\n", name_.c_str(), size_.c_str(),
              outcome.states, now() - begun_,
              is_right ? "" : "SURPRISE: ", result.c_str());
  if (tells) {
    for (const std::string &line : outcome.trace) {
      std::printf("    %s\n", line.c_str());
    }
  }
  std::fflush(stdout);
  if (!is_right) {
    surprises_++;
  }
}

static const char *const CUT_SHORT =
    "cut short at the limit of states, so this shows nothing";

void Report::end_litmus(const Outcome &outcome, bool is_allowed,
                        bool is_found) {
  bool is_right = !outcome.is_cut_short && is_allowed == is_found;
  std::string result = outcome.is_cut_short ? CUT_SHORT
                       : is_found           ? "seen"
                                            : "never seen";
  result += is_allowed ? ", allowed" : ", forbidden";
  end(outcome, result, is_right, !is_right);
}

void Report::end_holds(const Outcome &outcome) {
  if (!outcome.violation.empty()) {
    end(outcome, "violated: " + outcome.violation, false, true);
  } else {
    end(outcome, outcome.is_cut_short ? CUT_SHORT : "holds",
        !outcome.is_cut_short, false);
  }
}

void Report::end_mistake(const Outcome &outcome, const char *harmless) {
  if (!outcome.violation.empty()) {
    bool is_right = harmless == nullptr;
    end(outcome, "caught: " + outcome.violation, is_right,
        !is_right || options_.has_traces);
  } else if (outcome.is_cut_short) {
    end(outcome, CUT_SHORT, false, false);
  } else if (harmless == nullptr) {
    end(outcome, "not caught", false, false);
  } else {
    end(outcome, std::string("harmless: ") + harmless, true, false);
  }
}

void Report::surprise(const std::string &what) {
  std::printf("SURPRISE: %s\n", what.c_str());
  surprises_++;
}

double Report::seconds() const {
  return now();
}

} // namespace model
