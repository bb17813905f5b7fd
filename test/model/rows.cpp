#include "rows.h"

namespace model {

std::vector<Seeded>
seeded(const std::vector<Mistake> &mistakes,
       const std::vector<std::pair<Mistake, const char *>> &harmless) {
  std::vector<Seeded> all;
  for (const Mistake &mistake : mistakes) {
    all.push_back({mistake, nullptr});
    for (const auto &[other, reason] : harmless) {
      if (other.name() == mistake.name()) {
        all.back().harmless = reason;
      }
    }
  }
  return all;
}

void run_rows(Report &report, const std::vector<Row> &rows) {
  for (const Row &row : rows) {
    if (report.wants(row.name)) {
      report.begin(row.name, row.size);
      report.end_holds(row.run(Mistake::none(), report.limit()));
    }
  }
}

static Outcome run_mistake(const Mistake &mistake, size_t limit,
                           const std::vector<Row> &rows) {
  Outcome total;
  for (const Row &row : rows) {
    Outcome one = row.run(mistake, limit);
    total.states += one.states;
    total.is_cut_short = total.is_cut_short || one.is_cut_short;
    if (!one.violation.empty()) {
      total.violation = one.violation + " (" + row.name + ")";
      total.trace = std::move(one.trace);
      break;
    }
  }
  return total;
}

void run_mistakes(Report &report, const std::vector<Seeded> &mistakes,
                  const std::vector<Row> &rows) {
  for (const Seeded &each : mistakes) {
    std::string name = each.mistake.name();
    if (report.wants(name)) {
      report.begin(name);
      report.end_mistake(run_mistake(each.mistake, report.limit(), rows),
                         each.harmless);
    }
  }
}

} // namespace model
