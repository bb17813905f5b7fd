#include "ring_rows.h"

#include "ring_sweep.h"
#include "rows.h"

namespace model {

static std::vector<Row> rows_of(const std::vector<Sweep> &sweeps) {
  std::vector<Row> rows;
  for (const Sweep &sweep : sweeps) {
    rows.push_back({sweep.name, sweep.size(),
                    [sweep](const Mistake &mistake, size_t most) {
                      return run_sweep(sweep, mistake, most);
                    }});
  }
  return rows;
}

// Both together.
template <typename Kind>
static std::vector<Kind> with(std::vector<Kind> some,
                              const std::vector<Kind> &more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

static void add(std::vector<Mistake> &mistakes,
                std::initializer_list<Flaw> flaws) {
  for (Flaw flaw : flaws) {
    mistakes.push_back(Mistake::of(flaw));
  }
}

// --- The ring --------------------------------------------------------------

static const std::vector<From> EVERYWHERE = {From::latest, From::first,
                                             From::oldest, From::saved};

static Sweep sweep(const char *name, Shape shape, int events) {
  Sweep result;
  result.name = name;
  result.shape = shape;
  result.events = events;
  return result;
}

static std::vector<Sweep> ring_sweeps(bool is_long) {
  Sweep one = sweep("ring, one by one", {2, 1, 2, 0}, is_long ? 8 : 6);
  Sweep batches = sweep("ring, batches", {4, 2, 2, 0}, is_long ? 9 : 7);
  Sweep spans =
      sweep("ring, events of two slots", {4, 2, 2, 0}, is_long ? 6 : 5);
  spans.has_spans = true;
  Sweep seeks =
      sweep("ring, readers that begin anywhere", {2, 1, 2, 0}, is_long ? 7 : 5);
  seeks.from = EVERYWHERE;
  Sweep damaged =
      sweep("ring, a slot that is damaged", {2, 1, 2, 0}, is_long ? 6 : 5);
  damaged.is_damaged = true;
  Sweep pairs =
      sweep("ring, damage, events of two slots", {4, 2, 2, 0}, is_long ? 4 : 3);
  pairs.is_damaged = true;
  pairs.has_spans = true;
  std::vector<Sweep> all = {one, seeks, damaged, pairs, batches, spans};
  if (is_long) {
    Sweep large = sweep("ring, larger", {8, 2, 2, 0}, 11);
    Sweep far = sweep("ring, spans, readers anywhere", {4, 2, 2, 0}, 5);
    far.has_spans = true;
    far.from = EVERYWHERE;
    all = with<Sweep>(all, {large, far});
  }
  return all;
}

static std::vector<Sweep> take_over_sweeps(bool is_long) {
  Sweep one = sweep("take-over, one death", {4, 2, 2, 0}, is_long ? 7 : 6);
  one.deaths = 1;
  Sweep two = sweep("take-over, two deaths", {4, 2, 2, 0}, is_long ? 5 : 3);
  two.deaths = 2;
  Sweep spans =
      sweep("take-over, events of two slots", {4, 2, 2, 0}, is_long ? 4 : 3);
  spans.has_spans = true;
  spans.deaths = 1;
  Sweep lap =
      sweep("take-over, more than a lap", {2, 1, 2, 0}, is_long ? 7 : 5);
  lap.deaths = 1;
  lap.copies_backwards = true;
  return {one, two, spans, lap};
}

void run_ring(Report &report) {
  report.section("The ring");
  run_rows(report, rows_of(ring_sweeps(report.options().is_long)));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes =
      mistakes_in({Step::W1, Step::W2, Step::W3, Step::W4, Step::W5},
                  {Step::W2}, {Step::W1, Step::W5});
  mistakes =
      with(mistakes, mistakes_in({Step::R1, Step::R2, Step::R3, Step::R3_LOOK},
                                 {Step::R3, Step::R3_LOOK}, {Step::R1}));
  mistakes = with(
      mistakes, mistakes_in({Step::R3, Step::R4, Step::R4_FENCE, Step::R4_LOOK},
                            {Step::R4_FENCE, Step::R4_LOOK}, {}));
  mistakes =
      with(mistakes, mistakes_in({Step::SETTLED_LAST, Step::SETTLED_FENCE,
                                  Step::SETTLED_CLAIM},
                                 {Step::SETTLED_FENCE}, {}));
  add(mistakes,
      {Flaw::R5_GONE, Flaw::R5_ONE_LESS, Flaw::CLAIM_BEFORE_COPY,
       Flaw::LOOK_IS_R1, Flaw::LOOK_WITHOUT_BATCH, Flaw::LOOK_ONE_MORE,
       Flaw::SEEK_UNCHECKED, Flaw::SETTLED_CLAIM_IGNORED});
  run_mistakes(
      report,
      seeded(mistakes, {{Mistake::gone(Step::R3_LOOK),
                         "claim is asked for each time then"},
                        {Mistake::gone(Step::R4_LOOK),
                         "it tells a forged claim, and here is none"}}),
      rows_of(with(ring_sweeps(false), take_over_sweeps(false))));
}

// --- Taking over -----------------------------------------------------------

void run_take_over(Report &report) {
  report.section("Taking over");
  run_rows(report, rows_of(take_over_sweeps(report.options().is_long)));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes =
      mistakes_in({Step::W3, Step::W4, Step::W5}, {}, {Step::W4});
  add(mistakes, {Flaw::CLAIM_GOES_BACK, Flaw::BEGINS_AT_CLAIM});
  run_mistakes(report, seeded(mistakes), rows_of(take_over_sweeps(false)));
}

// --- The lane --------------------------------------------------------------

// Events in each scenario: as few as catch every mistake, and `more`.
static std::vector<Sweep> lane_sweeps(int more, bool is_long) {
  auto lane = [more](const char *name, Shape shape, int events) {
    Sweep result = sweep(name, shape, events + more);
    result.has_priorities = true;
    return result;
  };
  Sweep one = lane("lane, one by one", {2, 1, 1, 2}, 4);
  Sweep batches = lane("lane, batches", {4, 2, 2, 2}, 4);
  Sweep spans = lane("lane, events of two slots", {4, 2, 2, 2}, 2);
  spans.has_spans = true;
  Sweep whole = lane("lane, two slots in the lane", {4, 2, 2, 8}, 2);
  whole.has_spans = true;
  Sweep death = lane("lane, one death", {4, 2, 1, 2}, 3);
  death.deaths = 1;
  Sweep lap = lane("lane, one death, more than a lap", {2, 1, 1, 2}, 3);
  lap.deaths = 1;
  lap.copies_backwards = true;
  Sweep seeks = lane("lane, readers that begin anywhere", {2, 1, 1, 2}, 4);
  seeks.from = EVERYWHERE;
  seeks.from.push_back(From::saved_without_count);
  Sweep damaged = lane("lane, a slot that is damaged", {2, 1, 1, 2}, 3);
  damaged.is_damaged = true;
  std::vector<Sweep> all = {one, spans, whole,   death,
                            lap, seeks, damaged, batches};
  if (is_long) {
    Sweep two = lane("lane, two deaths", {2, 1, 1, 2}, 1);
    two.deaths = 2;
    Sweep wide = lane("lane, of four slots", {4, 2, 2, 4}, 4);
    Sweep heirs = lane("lane, one death, events of two slots", {4, 2, 2, 2}, 1);
    heirs.has_spans = true;
    heirs.deaths = 1;
    Sweep forwards = lane("lane, one death, copied forwards", {2, 1, 1, 2}, 3);
    forwards.deaths = 1;
    all = with<Sweep>(all, {two, wide, heirs, forwards});
  }
  return all;
}

static const char *const SETTLED_ANYWAY =
    "R1 has brought all that this claim could bring: it is no newer than head";

void run_lane(Report &report) {
  report.section("The priority lane");
  bool is_long = report.options().is_long;
  run_rows(report, rows_of(lane_sweeps(is_long ? 2 : 1, is_long)));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes =
      mistakes_in({Step::W5, Step::L1, Step::L2, Step::L3, Step::L4},
                  {Step::L2, Step::R4_FENCE, Step::SETTLED_FENCE_BEHIND},
                  {Step::L4, Step::W1});
  mistakes = with(mistakes, mistakes_in({Step::LANE_HEAD, Step::LANE_COPY,
                                         Step::LANE_FENCE, Step::LANE_CLAIM},
                                        {Step::LANE_FENCE}, {Step::LANE_HEAD}));
  mistakes.push_back(
      Mistake::exchanged(Step::SETTLED_CLAIM, Step::SETTLED_FENCE_BEHIND));
  add(mistakes,
      {Flaw::LANE_BEFORE_W4, Flaw::LANE_BEFORE_W5, Flaw::LANE_AT_ONCE,
       Flaw::LANE_CLAIM_IGNORED, Flaw::LANE_BEYOND_GAP, Flaw::LANE_BEFORE_GAP,
       Flaw::LANE_STAYS, Flaw::SETTLED_STAYS, Flaw::REPAIR_GONE,
       Flaw::REPAIR_LATE, Flaw::REPAIR_TO_FOUND_HEAD, Flaw::REPAIR_BEFORE_HEAD,
       Flaw::REPAIR_AGAIN, Flaw::REPAIR_OVERWRITTEN, Flaw::COUNTER_RESTARTS});
  run_mistakes(
      report,
      seeded(
          mistakes,
          {{Mistake::of(Flaw::LANE_BEFORE_W5),
            "W4 has named the events, so a successor publishes them under "
            "the same sequences"},
           {Mistake::of(Flaw::REPAIR_AGAIN),
            "a reader passes over what it has taken"},
           {Mistake::of(Flaw::REPAIR_BEFORE_HEAD),
            "what the lane gets is published by this successor or the next, "
            "under the same sequence"},
           {Mistake::gone(Step::SETTLED_FENCE_BEHIND), SETTLED_ANYWAY},
           {Mistake::exchanged(Step::SETTLED_CLAIM, Step::SETTLED_FENCE_BEHIND),
            SETTLED_ANYWAY},
           {Mistake::exchanged(Step::W5, Step::L1),
            "it only says that a lane slot may be overwritten"}}),
      rows_of(lane_sweeps(0, false)));
}

// --- Replacing -------------------------------------------------------------

static std::vector<Sweep> replaced_sweeps(bool is_long) {
  Sweep plain = sweep("replaced ring", {2, 1, 2, 0}, is_long ? 7 : 5);
  plain.is_replaced = true;
  plain.from = {From::first, From::latest};
  Sweep lane =
      sweep("replaced ring, with lanes", {2, 1, 2, 2}, is_long ? 6 : 5);
  lane.has_priorities = true;
  lane.is_replaced = true;
  return {plain, lane};
}

void run_replaced(Report &report) {
  report.section("A ring that replaces another");
  run_rows(report, rows_of(replaced_sweeps(report.options().is_long)));

  report.section("Mistakes in it");
  std::vector<Mistake> mistakes;
  add(mistakes,
      {Flaw::MOVES_AT_ONCE, Flaw::LOOKS_TOO_EARLY, Flaw::NAMED_UNFINISHED});
  run_mistakes(report, seeded(mistakes), rows_of(replaced_sweeps(false)));
}

} // namespace model
