#include "process.h"

#include "guard_program.h"
#include "poller_program.h"
#include "rows.h"

namespace model {

void run_process(Report &report) {
  report.section("Within a process");
  std::vector<Row> poller = {
      row_of<Poller>("poll thread and loop", "2 handovers", 2)};
  std::vector<Row> guards = {
      row_of<Guards>("guards and the signal's handler", "1 guard", 1)};
  run_rows(report, poller);
  run_rows(report, guards);

  report.section("Mistakes in it");
  std::vector<Mistake> in_poller = mistakes_in(
      {}, {Step::P1, Step::P2}, {Step::A1, Step::A2, Step::E1, Step::E2});
  in_poller.push_back(Mistake::of(Flaw::PARKED_LATE));
  run_mistakes(report, seeded(in_poller), poller);
  std::vector<Mistake> in_guards =
      mistakes_in({}, {},
                  {Step::G1, Step::G2, Step::G3, Step::G4, Step::G5, Step::G6,
                   Step::G7, Step::G8});
  in_guards.push_back(Mistake::of(Flaw::LENGTH_LATE));
  in_guards.push_back(Mistake::of(Flaw::BASE_ONCE));
  run_mistakes(report, seeded(in_guards), guards);
}

} // namespace model
