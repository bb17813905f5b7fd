#include "space.h"

#include "rows.h"
#include "space_program.h"

namespace model {

namespace space {

State Space::start() const {
  State state(slot_of(0, shape_.capacity) + shape_.capacity, 1 + readers());
  Choices none;
  for (int i = 0; i < readers(); i++) {
    bool joins = i >= shape_.attached;
    Thread &reader = state.threads[1 + i];
    reader.at = joins ? AT_JOIN : AT_READ;
    state.memory.store(0, state_of(i), joins ? FREE : ATTACHED, Order::relaxed,
                       none);
    state.memory.store(0, cursor_of(i), joins ? shape_.old_cursor : 0,
                       Order::relaxed, none);
  }
  for (int i = 0; i < readers(); i++) {
    // The lock of its cell came to it from whoever had it before.
    state.memory.views(1 + i) = state.memory.views(0);
  }
  return state;
}

bool Space::step(State &state, int thread, Choices &choices,
                 Trace &trace) const {
  return thread == 0 ? step_writer(state, choices, trace)
                     : step_reader(state, thread, choices, trace);
}

void Space::check_end(const State &state) const {
  if (state.threads[0].at != AT_WRITER_END) {
    throw Violation{"the writer sleeps, and there is space"};
  }
  for (int i = 1; i <= readers(); i++) {
    if (state.threads[i].at != AT_READER_END) {
      throw Violation{"a reader has not come to its end"};
    }
  }
}

// --- The rows --------------------------------------------------------------

static std::vector<Row> rows(bool is_long) {
  auto row = [](const char *name, const SpaceShape &shape) {
    std::string size = std::to_string(shape.capacity) + " slots, " +
                       std::to_string(shape.events) + " events";
    return row_of<Space>(name, size, shape);
  };
  std::vector<Row> all = {
      row("reject, one reader", {2, is_long ? 5 : 4, 1, false, false, 0}),
      row("reject, two readers", {1, is_long ? 3 : 2, 2, false, false, 0}),
      row("reject, one that comes later", {4, 6, 0, true, false, 30}),
      row("reject, into a cell far behind", {4, 7, 0, true, false, 0}),
      row("reject, one that is evicted", {2, 4, 1, false, true, 0})};
  if (is_long) {
    all.push_back(
        row("reject, two readers, two slots", {2, 3, 2, false, false, 0}));
  }
  return all;
}

} // namespace space

void run_space(Report &report) {
  report.section("Backpressure");
  run_rows(report, space::rows(report.options().is_long));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes = mistakes_in({Step::C1, Step::C2, Step::M2},
                                              {Step::M1, Step::M2, Step::W6},
                                              {Step::C2, Step::C3, Step::W1});
  mistakes.push_back(Mistake::exchanged(Step::C3, Step::C4));
  mistakes.push_back(Mistake::gone(Step::R4_FENCE));
  for (Flaw flaw :
       {Flaw::STATE_BEFORE_CURSOR, Flaw::STATE_WEAK, Flaw::JOINS_WITHOUT_FENCE,
        Flaw::LIMIT_TOO_FAR, Flaw::NO_SECOND_LOOK, Flaw::ROOM_TOO_LATE,
        Flaw::EVICTED_LATE}) {
    mistakes.push_back(Mistake::of(flaw));
  }
  run_mistakes(
      report,
      seeded(mistakes, {{Mistake::weak(Step::C3),
                         "whether C4 comes at all depends on what C3 reads"}}),
      space::rows(false));
}

} // namespace model
