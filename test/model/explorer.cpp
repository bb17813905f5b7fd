#include "explorer.h"

#include <algorithm>
#include <deque>

#include "hash.h"

namespace model {

// How a state was reached, to tell it again.
struct Reached {
  int from; // -1: the start
  int thread;
  std::vector<uint8_t> choices;
};

static Hash key_of(const State &state) {
  std::string key;
  key.reserve(1024);
  state.memory.append_key(key);
  for (const Thread &thread : state.threads) {
    key.append(reinterpret_cast<const char *>(&thread), sizeof thread);
  }
  key.append(reinterpret_cast<const char *>(state.outside.data()),
             sizeof state.outside);
  return hash_of(key.data(), key.size());
}

// The way to `last`, told from the start on.
static std::vector<std::string> tell(const Program &program,
                                     const std::vector<Reached> &reached,
                                     const Reached &last) {
  std::vector<const Reached *> way{&last};
  while (way.back()->from >= 0) {
    way.push_back(&reached[way.back()->from]);
  }
  std::reverse(way.begin(), way.end());
  State state = program.start();
  Trace trace;
  trace.is_wanted = true;
  for (const Reached *step : way) {
    if (step->thread < 0) {
      continue;
    }
    Choices choices(step->choices);
    try {
      program.step(state, step->thread, choices, trace);
    } catch (const Violation &) {
    }
  }
  return trace.lines;
}

class Exploration {
public:
  Exploration(const Program &program, size_t limit)
      : program_(program), limit_(limit) {}

  Outcome run() {
    add(program_.start(), {-1, -1, {}});
    while (!frontier_.empty() && outcome_.violation.empty()) {
      State state = std::move(frontier_.front());
      frontier_.pop_front();
      if (reached_.size() >= limit_) {
        outcome_.is_cut_short = true;
        break;
      }
      expand(state, expanded_++);
    }
    outcome_.states = reached_.size();
    return std::move(outcome_);
  }

private:
  void add(State state, Reached how) {
    for (size_t i = 0; i < state.threads.size(); i++) {
      if (state.threads[i].at == Thread::OVER) {
        state.memory.end(static_cast<int>(i));
      }
    }
    if (seen_.insert(key_of(state)).second) {
      reached_.push_back(std::move(how));
      frontier_.push_back(std::move(state));
    }
  }

  void fail(const Violation &violation, const Reached &last) {
    outcome_.violation = violation.what;
    outcome_.trace = tell(program_, reached_, last);
  }

  void expand(const State &state, int number) {
    bool is_end = true;
    for (int thread = 0; thread < static_cast<int>(state.threads.size());
         thread++) {
      Choices choices;
      do {
        State next = state;
        try {
          if (!program_.step(next, thread, choices, silent_)) {
            break;
          }
        } catch (const Violation &violation) {
          fail(violation, {number, thread, choices.taken()});
          return;
        }
        is_end = false;
        add(std::move(next), {number, thread, choices.taken()});
      } while (choices.next());
    }
    if (is_end) {
      try {
        program_.check_end(state);
      } catch (const Violation &violation) {
        fail(violation, reached_[number]);
      }
    }
  }

  const Program &program_;
  size_t limit_;
  Outcome outcome_;
  Trace silent_;
  HashSet seen_;
  std::vector<Reached> reached_; // in the order in which they are expanded
  std::deque<State> frontier_;
  int expanded_ = 0;
};

Outcome explore(const Program &program, size_t limit) {
  return Exploration(program, limit).run();
}

} // namespace model
