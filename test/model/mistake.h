// What somebody could do wrong in the protocol. A program is told of one
// mistake and makes it, and then the model has to find what it leads to.
#ifndef MODEL_MISTAKE_H
#define MODEL_MISTAKE_H

#include <string>
#include <vector>

#include "steps.h"

namespace model {

// Those that are not about the order of two steps or the strength of one.
#define MODEL_FLAWS(X)                                                      \
  X(R5_GONE, "R5 drops nothing")                                            \
  X(R5_ONE_LESS, "R5 drops one slot less")                                  \
  X(CLAIM_BEFORE_COPY, "R4 in front of R2")                                 \
  X(LOOK_IS_R1, "the head of R1 in the place of R3 look")                   \
  X(LOOK_WITHOUT_BATCH, "R3 look does not add a batch")                     \
  X(LOOK_ONE_MORE, "R3 look leaves R4 out one slot too far behind")         \
  X(SEEK_UNCHECKED, "seeking does not look at claim")                       \
  X(SETTLED_CLAIM_IGNORED, "the last sequence counts without a claim")      \
  X(CLAIM_GOES_BACK, "a successor takes head as its claim")                 \
  X(BEGINS_AT_CLAIM, "a successor takes claim as its head")                 \
  X(LANE_BEFORE_W4, "L1 to L4 in front of W4")                              \
  X(LANE_BEFORE_W5, "L1 to L4 in front of W5")                              \
  X(LANE_AT_ONCE, "L1 to L4 once for a whole lane")                         \
  X(LANE_CLAIM_IGNORED, "the lane's claim is not looked at")                \
  X(LANE_BEYOND_GAP, "the lane is searched beyond the gap")                 \
  X(LANE_BEFORE_GAP, "the lane is searched in front of the gap")            \
  X(LANE_STAYS, "what came from the lane does not move next")               \
  X(REPAIR_GONE, "a successor does not repair the lane")                    \
  X(REPAIR_LATE, "it repairs it behind its first commit")                   \
  X(REPAIR_TO_FOUND_HEAD, "it repairs it up to the head that it found")     \
  X(REPAIR_BEFORE_HEAD, "it repairs it before it stores head")              \
  X(REPAIR_AGAIN, "it repairs the lane's last event, too")                  \
  X(REPAIR_OVERWRITTEN, "it repairs from slots that may be overwritten")    \
  X(COUNTER_RESTARTS, "a successor counts priority events from 0")          \
  X(SETTLED_STAYS, "the cursor stays behind a last event from the lane")    \
  X(MOVES_AT_ONCE, "a reader moves over without a last look")               \
  X(LOOKS_TOO_EARLY, "its last look is in front of opening the new ring")   \
  X(NAMED_UNFINISHED, "the new ring has its name before its header")        \
  X(W7_BEFORE_W5, "waiters is looked at in front of W5")                    \
  X(CLEARED_LATE, "waiters is cleared behind the wake")                     \
  X(CLEARED_BY_STORE, "waiters is cleared by a plain store")                \
  X(NO_LOOK, "a reader does not look at head behind S1")                    \
  X(WAITS_ON_HEAD, "the futex waits on head")                               \
  X(WAITS_WITHOUT_TURN, "the writer leaves the same waiters at every turn") \
  X(RETIRED_QUIETLY, "a ring is retired without a turn")                    \
  X(WAITS_WITH_NEW_VALUE, "the futex waits with what waiters is by now")    \
  X(DRAINS_LATE, "the listener is drained behind S1")                       \
  X(SUCCESSOR_SILENT, "a successor wakes nobody")                           \
  X(SUCCESSOR_KEEPS_WAITERS, "a successor wakes, and leaves waiters alone") \
  X(SUCCESSOR_ASKS_WAITERS, "a successor wakes only whom waiters names")    \
  X(JOINS_WITHOUT_FENCE, "a reader comes without a fence behind its state") \
  X(STATE_BEFORE_CURSOR, "a reader's state in front of its first cursor")   \
  X(STATE_WEAK, "the state comes relaxed")                                  \
  X(LIMIT_TOO_FAR, "a look at the cells holds for the whole ring")          \
  X(NO_SECOND_LOOK, "the writer does not look again behind M1")             \
  X(ROOM_TOO_LATE, "the writer reads room behind its second look")          \
  X(EVICTED_LATE, "a cell is marked evicted behind W3")                     \
  X(PARKED_LATE, "the thread looks before it says that it parks")           \
  X(LENGTH_LATE, "a guard's length behind its base")                        \
  X(BASE_ONCE, "a guard's base is not looked at again")

enum class Flaw {
  NONE,
#define MODEL_FLAW_NAME(name, text) name,
  MODEL_FLAWS(MODEL_FLAW_NAME)
#undef MODEL_FLAW_NAME
};

class Mistake {
public:
  static Mistake none() {
    return Mistake();
  }
  static Mistake of(Flaw flaw);
  static Mistake gone(Step step);
  static Mistake weak(Step step); // relaxed
  static Mistake exchanged(Step first, Step second);

  bool is(Flaw flaw) const {
    return flaw_ == flaw;
  }
  bool is_none() const {
    return kind_ == Kind::none;
  }
  bool is_gone(Step step) const {
    return kind_ == Kind::gone && a_ == step;
  }
  bool is_weak(Step step) const {
    return kind_ == Kind::weak && a_ == step;
  }
  bool exchanges(Step first, Step second) const {
    return kind_ == Kind::exchanged && a_ == first && b_ == second;
  }

  // Steps in the order in which this mistake lets them happen.
  std::vector<Step> applied_to(std::vector<Step> steps) const;

  // "W1 claim relaxed".
  std::string name() const;

private:
  enum class Kind { none, flaw, gone, weak, exchanged };

  Kind kind_ = Kind::none;
  Flaw flaw_ = Flaw::NONE;
  Step a_ = Step::COUNT;
  Step b_ = Step::COUNT;
};

// Every single mistake in a row of steps: each of `fences` gone, each of
// `ordered` relaxed, each neighbours of `steps` exchanged.
std::vector<Mistake> mistakes_in(const std::vector<Step> &steps,
                                 const std::vector<Step> &fences,
                                 const std::vector<Step> &ordered);

} // namespace model

#endif
