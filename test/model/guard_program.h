// The table of guards, what a signal is handed on to, and the signal's handler
// that reads both.
#ifndef MODEL_GUARD_PROGRAM_H
#define MODEL_GUARD_PROGRAM_H

#include <utility>

#include "explorer.h"
#include "mistake.h"

namespace model {

// One thread remembers whose handler ours has displaced, puts a guard into the
// table, frees it, and uses it for another mapping; a handler looks for an
// address in either.
class Guards : public Program {
public:
  Guards(int, const Mistake &mistake) : mistake_(mistake) {
    writes_ = {{ACTION, 1, Order::relaxed, Step::COUNT},
               {BEFORE, 1, Order::release, Step::G6},
               {NEXT, 1, Order::relaxed, Step::COUNT},
               {FIRST, 1, Order::release, Step::G2},
               {LENGTH, OLD_LENGTH, Order::release, Step::G8},
               {BASE, OLD_BASE, Order::release, Step::G4},
               {BASE, 0, Order::relaxed, Step::COUNT},
               {LENGTH, NEW_LENGTH, Order::release, Step::G8},
               {BASE, NEW_BASE, Order::release, Step::G4}};
    if (mistake.is(Flaw::LENGTH_LATE)) {
      std::swap(writes_[7], writes_[8]);
    }
  }

  State start() const override {
    return State(LOCATIONS, 2);
  }

  bool step(State &state, int thread, Choices &choices,
            Trace &trace) const override {
    return thread == 0 ? step_writer(state, choices, trace)
                       : step_handler(state, choices, trace);
  }

  void check_end(const State &) const override {}

private:
  enum Location { ACTION, BEFORE, FIRST, NEXT, BASE, LENGTH, LOCATIONS };
  enum { OLD_LENGTH = 5, OLD_BASE = 7, NEW_BASE = 8, NEW_LENGTH = 9 };
  enum Own { SEEN_BASE, SEEN_LENGTH };
  enum HandlerAt {
    LOAD_BEFORE,
    LOAD_ACTION,
    LOAD_FIRST,
    LOAD_NEXT,
    LOAD_BASE,
    LOAD_LENGTH,
    LOAD_BASE_AGAIN,
    HANDLER_END = Thread::OVER
  };

  struct Write {
    Location location;
    int value;
    Order order;
    Step step; // COUNT: it has no label
  };

  Order order(Step step, Order wanted) const {
    return mistake_.is_weak(step) ? Order::relaxed : wanted;
  }

  bool step_writer(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[0];
    if (self.at == Thread::OVER) {
      return false;
    }
    const Write &write = writes_[self.at++];
    if (write.step != Step::COUNT) {
      take(write.step);
    }
    state.memory.store(0, write.location, write.value,
                       order(write.step, write.order), choices);
    trace.say("adds: %s = %d", NAMES[write.location], write.value);
    if (self.at == static_cast<int>(writes_.size())) {
      self.at = Thread::OVER;
    }
    return true;
  }

  int load(State &state, Location location, Step step, Choices &choices,
           Trace &trace) const {
    bool has_label = step != Step::COUNT;
    if (has_label) {
      take(step);
    }
    int value = state.memory.load(
        1, location, has_label ? order(step, Order::acquire) : Order::relaxed,
        choices);
    trace.say("handler: %s is %d", NAMES[location], value);
    return value;
  }

  // With the base that the handler finds the second time.
  static void check_length(const Thread &self, int base) {
    int length = base == NEW_BASE ? NEW_LENGTH : OLD_LENGTH;
    if (base == self.own[SEEN_BASE] && self.own[SEEN_LENGTH] != length) {
      throw Violation{"the handler takes the length of another mapping"};
    }
  }

  bool step_handler(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[1];
    switch (self.at) {
    case LOAD_BEFORE:
      self.at = load(state, BEFORE, Step::G5, choices, trace) != 0 ? LOAD_ACTION
                                                                   : LOAD_FIRST;
      break;
    case LOAD_ACTION:
      if (load(state, ACTION, Step::COUNT, choices, trace) != 1) {
        throw Violation{"the handler hands on to what is not there yet"};
      }
      self.at = LOAD_FIRST;
      break;
    case LOAD_FIRST:
      self.at = load(state, FIRST, Step::G1, choices, trace) != 0 ? LOAD_NEXT
                                                                  : HANDLER_END;
      break;
    case LOAD_NEXT:
      if (load(state, NEXT, Step::COUNT, choices, trace) != 1) {
        throw Violation{"the handler follows a link that is not there yet"};
      }
      self.at = LOAD_BASE;
      break;
    case LOAD_BASE:
      self.own[SEEN_BASE] = load(state, BASE, Step::G3, choices, trace);
      self.at = self.own[SEEN_BASE] != 0 ? LOAD_LENGTH : HANDLER_END;
      break;
    case LOAD_LENGTH:
      self.own[SEEN_LENGTH] = load(state, LENGTH, Step::G7, choices, trace);
      if (mistake_.is(Flaw::BASE_ONCE)) {
        check_length(self, self.own[SEEN_BASE]);
      }
      self.at = LOAD_BASE_AGAIN;
      break;
    case LOAD_BASE_AGAIN:
      check_length(self, load(state, BASE, Step::COUNT, choices, trace));
      self.at = HANDLER_END;
      break;
    default:
      return false;
    }
    return true;
  }

  static constexpr const char *NAMES[] = {"action", "before", "first",
                                          "next",   "base",   "length"};

  Mistake mistake_;
  std::vector<Write> writes_;
};

} // namespace model

#endif
