// A writer that rejects, and reliable readers.
#ifndef MODEL_SPACE_PROGRAM_H
#define MODEL_SPACE_PROGRAM_H

#include <algorithm>
#include <vector>

#include "explorer.h"
#include "mistake.h"

namespace model::space {

// --- What is shared --------------------------------------------------------

enum CellState { FREE, ATTACHED, EVICTED };

struct SpaceShape {
  int capacity;
  int events;
  int attached;    // reliable readers that are there from the beginning
  bool has_joiner; // and one that comes later
  bool can_evict;  // the first one's time may be over, once
  int old_cursor;  // of the reader that had the joiner's cell before
};

constexpr int MOST_READERS = 3;
constexpr int BATCH = 1;

enum SharedWord { CLAIM, HEAD, ROOM, ROOM_WAITERS, CELLS };

inline int state_of(int reader) {
  return CELLS + 2 * reader;
}

inline int cursor_of(int reader) {
  return CELLS + 2 * reader + 1;
}

inline int slot_of(int position, int capacity) {
  return CELLS + 2 * MOST_READERS + position % capacity;
}

inline int payload_of(int position) {
  return position + 1;
}

// Indices into State::outside.
// HAS_LEFT: a reader signals nothing then, so the writer looks again by itself.
enum Outside { WRITER_SLEEPS, IS_EVICTED, HAS_LEFT };

// --- A thread's variables and places ---------------------------------------

enum WriterOwn { AT_HEAD, LIMIT, CELL, MOST_LAG, BLOCKED, BEFORE, ASKED, GONE };
enum WriterAt {
  AT_CHECK,
  AT_CELL_STATE,
  AT_CELL_CURSOR,
  AT_DECIDE,
  AT_BEFORE,
  AT_ANNOUNCE,
  AT_M1,
  AT_WAIT,
  AT_ASLEEP,
  AT_EVICT,
  AT_CLAIM,
  AT_FENCE,
  AT_SLOT,
  AT_EVICT_LATE,
  AT_PUBLISH,
  AT_W6,
  AT_WRITER_END = Thread::OVER
};

enum ReaderOwn { CURSOR, SEEN, IS_LOST };
enum ReaderAt {
  AT_JOIN,
  AT_JOIN_FIRST,
  AT_JOIN_SECOND,
  AT_JOIN_FENCE,
  AT_JOIN_CLAIM,
  AT_READ,
  AT_TAKE, // and the index into C1 to M2
  AT_CHECK_CLAIM = AT_TAKE + 4,
  AT_STATE,
  AT_LOOK,
  AT_TELL,
  AT_READER_END = Thread::OVER
};

class Space : public Program {
public:
  Space(const SpaceShape &shape, const Mistake &mistake)
      : shape_(shape), mistake_(mistake),
        taking_(mistake.applied_to({Step::C1, Step::C2, Step::M2})) {
    if (mistake.is_weak(Step::C2)) {
      // The load may then take its value later than the store (load
      // buffering).
      taking_ = {Step::C2, Step::C1, Step::M2};
    }
  }

  State start() const override;

  bool step(State &state, int thread, Choices &choices,
            Trace &trace) const override;

  void check_end(const State &state) const override;

private:
  int readers() const {
    return shape_.attached + (shape_.has_joiner ? 1 : 0);
  }

  // What one look at the cells is good for.
  int quarter() const {
    return std::max(1, shape_.capacity / 4);
  }

  Order order(Step step, Order wanted) const {
    return mistake_.is_weak(step) ? Order::relaxed : wanted;
  }

  // --- The writer ----------------------------------------------------------

  bool step_writer(State &state, Choices &choices, Trace &trace) const;

  void begin_look(Thread &self) const;

  void look_at_cells(State &state, Choices &choices, Trace &trace) const;

  void decide(Thread &self) const;

  bool wait(State &state, Choices &choices, Trace &trace) const;

  void look_again(Thread &self) const;

  bool fall_asleep(State &state, Choices &choices, Trace &trace) const;

  void evict(State &state, Choices &choices, Trace &trace) const;

  bool publish(State &state, Choices &choices, Trace &trace) const;

  // --- A reader ------------------------------------------------------------

  bool step_reader(State &state, int thread, Choices &choices,
                   Trace &trace) const;

  void join(State &state, int thread, Choices &choices, Trace &trace) const;

  // False while there is nothing. How a reader sleeps, bell.cpp shows.
  bool read(State &state, int thread, Choices &choices, Trace &trace) const;

  // C1 to M2.
  void take_next(State &state, int thread, Choices &choices,
                 Trace &trace) const;

  void finish(State &state, int thread, Choices &choices, Trace &trace) const;

  SpaceShape shape_;
  Mistake mistake_;
  std::vector<Step> taking_;
};

} // namespace model::space

#endif
