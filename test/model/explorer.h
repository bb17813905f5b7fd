// Runs a few threads in every order, and with every value that the memory lets
// their loads take. For small programs: all states are kept.
#ifndef MODEL_EXPLORER_H
#define MODEL_EXPLORER_H

#include <array>
#include <string>
#include <vector>

#include "memory.h"
#include "trace.h"

namespace model {

// A thread's own variables; what each is for, its program says.
struct Thread {
  static constexpr int OVER = -1;

  int at = 0; // the next instruction, or OVER
  std::array<int, 8> own{};
};

struct State {
  State(int locations, int count) : memory(locations, count), threads(count) {}

  Memory memory;
  std::vector<Thread> threads;
  // What the kernel or the checks know, apart from all threads.
  std::array<int, 8> outside{};
};

class Program {
public:
  virtual ~Program() = default;

  virtual State start() const = 0;

  // Takes the next step of a thread. False when it has ended or waits, and then
  // nothing was changed. Throws Violation.
  virtual bool step(State &state, int thread, Choices &choices,
                    Trace &trace) const = 0;

  // Called for each state in which no thread can take a step. Throws
  // Violation.
  virtual void check_end(const State &state) const = 0;
};

struct Outcome {
  size_t states = 0;
  bool is_cut_short = false; // at the limit
  std::string violation;     // empty: none
  std::vector<std::string> trace;
};

// Looks at no more than `limit` states. The trace is one of the shortest.
Outcome explore(const Program &program, size_t limit);

} // namespace model

#endif
