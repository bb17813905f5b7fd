#include "bell.h"

#include "bell_program.h"
#include "rows.h"

namespace model {

namespace bell {

State Bell::start() const {
  State state(LOCATIONS, first_reader() + readers());
  state.threads[1].at = AT_BEGIN;
  if (!shape_.has_death) {
    state.threads[1].at = AT_END;
  }
  return state;
}

bool Bell::step(State &state, int thread, Choices &choices,
                Trace &trace) const {
  return thread < first_reader() ? step_writer(state, thread, choices, trace)
                                 : step_reader(state, thread, choices, trace);
}

void Bell::check_end(const State &state) const {
  for (int i = 0; i < readers(); i++) {
    const Thread &reader = state.threads[first_reader() + i];
    if (reader.at != AT_DONE) {
      throw Violation{reader.own[SEEN] < shape_.commits
                          ? "a reader sleeps, and head has moved"
                          : "a reader sleeps, and the ring is retired"};
    }
  }
}

// --- The rows --------------------------------------------------------------

static std::vector<Row> rows(bool is_long) {
  auto row = [](const char *name, const BellShape &shape) {
    std::string size = std::to_string(shape.readers.size()) + " readers, " +
                       std::to_string(shape.commits) + " commits";
    return row_of<Bell>(name, size, shape);
  };
  std::vector<Row> all = {
      row("bell, one on the word", {{ON_WORD}, 3, false, false}),
      row("bell, one on the wake file", {{FOR_FILE}, 3, false, false}),
      row("bell, the writer dies", {{ON_WORD}, 2, true, false}),
      row("bell, the writer dies, wake file", {{FOR_FILE}, 2, true, false}),
      row("bell, the ring is retired", {{ON_WORD}, 1, false, true}),
      row("bell, two on the word", {{ON_WORD, ON_WORD}, 2, false, false}),
      row("bell, one of each", {{ON_WORD, FOR_FILE}, 2, false, false})};
  if (is_long) {
    all.push_back(row("bell, two on the word, more",
                      {{ON_WORD, ON_WORD}, 3, false, false}));
    all.push_back(row("bell, two on the wake file",
                      {{FOR_FILE, FOR_FILE}, 2, false, false}));
    all.push_back(row("bell, the writer dies, two",
                      {{ON_WORD, ON_WORD}, 2, true, false}));
    all.push_back(row("bell, the ring is retired, two",
                      {{ON_WORD, ON_WORD}, 1, false, true}));
  }
  return all;
}

} // namespace bell

void run_bell(Report &report) {
  report.section("Sleeping");
  run_rows(report, bell::rows(report.options().is_long));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes =
      mistakes_in({Step::W5, Step::W6, Step::W7}, {Step::W6}, {});
  for (const Mistake &mistake :
       mistakes_in({Step::S1, Step::S2}, {Step::S2}, {Step::S1})) {
    mistakes.push_back(mistake);
  }
  for (Flaw flaw :
       {Flaw::W7_BEFORE_W5, Flaw::CLEARED_LATE, Flaw::CLEARED_BY_STORE,
        Flaw::NO_LOOK, Flaw::WAITS_ON_HEAD, Flaw::WAITS_WITHOUT_TURN,
        Flaw::WAITS_WITH_NEW_VALUE, Flaw::DRAINS_LATE, Flaw::SUCCESSOR_SILENT,
        Flaw::SUCCESSOR_KEEPS_WAITERS, Flaw::SUCCESSOR_ASKS_WAITERS,
        Flaw::RETIRED_QUIETLY}) {
    mistakes.push_back(Mistake::of(flaw));
  }
  run_mistakes(report,
               seeded(mistakes, {{Mistake::weak(Step::S1), "S2 orders it"}}),
               bell::rows(false));
}

} // namespace model
