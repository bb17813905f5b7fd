// The protocol of native/, run in every order and with every value that a weak
// memory allows. See README.md beside this file; run.js calls it.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bell.h"
#include "litmus.h"
#include "process.h"
#include "ring_rows.h"
#include "space.h"
#include "steps.h"

namespace model {

struct Part {
  const char *name;
  void (*run)(Report &report);
};

static void run_litmus_part(Report &report) {
  report.section("The memory itself");
  run_litmus(report);
}

static const Part PARTS[] = {
    {"litmus", run_litmus_part},  {"ring", run_ring},
    {"take-over", run_take_over}, {"lane", run_lane},
    {"replaced", run_replaced},   {"bell", run_bell},
    {"space", run_space},         {"process", run_process}};

static int usage() {
  std::fprintf(stderr, "usage: model [--all] [--traces] [--limit STATES] "
                       "[--only TEXT] [PART ...]\nparts:");
  for (const Part &part : PARTS) {
    std::fprintf(stderr, " %s", part.name);
  }
  std::fprintf(stderr, "\n");
  return 2;
}

static bool is_part(const char *name) {
  for (const Part &part : PARTS) {
    if (std::strcmp(part.name, name) == 0) {
      return true;
    }
  }
  return false;
}

static int run(int count, char **arguments) {
  Options options;
  std::vector<std::string> wanted;
  for (int i = 1; i < count; i++) {
    std::string argument = arguments[i];
    bool has_value = i + 1 < count;
    if (argument == "--all") {
      options.is_long = true;
    } else if (argument == "--traces") {
      options.has_traces = true;
    } else if (argument == "--limit" && has_value) {
      options.limit = std::strtoull(arguments[++i], nullptr, 10);
    } else if (argument == "--only" && has_value) {
      options.only = arguments[++i];
    } else if (is_part(arguments[i])) {
      wanted.push_back(argument);
    } else {
      return usage();
    }
  }
  bool is_whole = wanted.empty() && options.only.empty();
  Report report(options);
  for (const Part &part : PARTS) {
    bool is_wanted = wanted.empty();
    for (const std::string &name : wanted) {
      is_wanted = is_wanted || name == part.name;
    }
    if (is_wanted) {
      part.run(report);
    }
  }
  std::printf("\n");
  if (is_whole && !all_steps_taken()) {
    report.surprise("the steps above are in steps.h, and no program has them");
  }
  if (report.rows() == 0) {
    report.surprise("no row has that name");
  }
  std::printf("%d rows, %d surprises, %.0f seconds\n", report.rows(),
              report.surprises(), report.seconds());
  return report.surprises() == 0 ? 0 : 1;
}

} // namespace model

int main(int count, char **arguments) {
  return model::run(count, arguments);
}
