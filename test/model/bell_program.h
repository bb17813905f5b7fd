// A writer, perhaps another one after it, and readers that go to sleep.
#ifndef MODEL_BELL_PROGRAM_H
#define MODEL_BELL_PROGRAM_H

#include <vector>

#include "explorer.h"
#include "mistake.h"

namespace model::bell {

// --- What is shared --------------------------------------------------------

enum Location { HEAD, WAITERS, RETIRED, LOCATIONS };

// The bits of waiters, and what the writer adds whenever it takes them
// (KG_WAITS_TURN).
constexpr int ON_WORD = 1;
constexpr int FOR_FILE = 2;
constexpr int TURN = 4;

struct BellShape {
  std::vector<int> readers; // ON_WORD or FOR_FILE
  int commits;
  bool has_death;  // the writer dies somewhere, and another one comes
  bool is_retired; // at the end, and readers must learn of it
};

// Indices into State::outside. A reader r is asleep, or has a signal in its
// listener's queue.
enum Outside { IS_DEAD, ASLEEP, SIGNALLED = ASLEEP + 3 };

// --- A thread's variables and places ---------------------------------------

enum WriterOwn { PUBLISHED, TAKEN, NEXT_TURN };
enum WriterAt {
  AT_STEPS = 0, // and the index into W5 to W7
  AT_BEGIN = 10,
  AT_TAKE,
  AT_WAKE_FILE,
  AT_WAKE_WORD,
  AT_RETIRE,
  AT_RETIRE_TURN,
  AT_RETIRE_WAKE,
  AT_END = Thread::OVER
};

enum ReaderOwn { SEEN, EXPECTED, KNOWS_RETIRED };
enum ReaderAt {
  AT_READ = 0,
  AT_DRAIN,
  AT_ASK, // and the index into S1, S2
  AT_LOOK = AT_ASK + 5,
  AT_NEWS,
  AT_DRAIN_LATE,
  AT_SLEEP,
  AT_ASLEEP,
  AT_DONE = Thread::OVER
};

class Bell : public Program {
public:
  Bell(const BellShape &shape, const Mistake &mistake)
      : shape_(shape), mistake_(mistake),
        publishing_(mistake.applied_to({Step::W5, Step::W6, Step::W7})),
        asking_(mistake.applied_to({Step::S1, Step::S2})) {
    if (mistake.is(Flaw::W7_BEFORE_W5)) {
      publishing_ = {Step::W7, Step::W5, Step::W6};
    }
  }

  State start() const override;

  bool step(State &state, int thread, Choices &choices,
            Trace &trace) const override;

  void check_end(const State &state) const override;

private:
  int readers() const {
    return static_cast<int>(shape_.readers.size());
  }
  static int first_reader() {
    return 2;
  }

  // --- The writer, and the one that comes after it -------------------------

  bool step_writer(State &state, int thread, Choices &choices,
                   Trace &trace) const;

  void begin_commit(Thread &self) const;

  bool begin_successor(State &state, int thread, Choices &choices,
                       Trace &trace) const;

  // W5 to W7.
  void publish(State &state, int thread, Choices &choices, Trace &trace) const;

  // Takes the waiters and wakes them; or retires the ring.
  void ring(State &state, int thread, Choices &choices, Trace &trace) const;

  void clear(State &state, int thread, Choices &choices, Trace &trace) const;

  void wake(State &state, int thread, int how, Trace &trace) const;

  // --- A reader ------------------------------------------------------------

  bool step_reader(State &state, int thread, Choices &choices,
                   Trace &trace) const;

  bool is_file(int number) const {
    return shape_.readers[number] == FOR_FILE;
  }

  void drain(State &state, int thread, int number, Trace &trace) const;

  // S1 and S2.
  void ask(State &state, int thread, int number, Choices &choices,
           Trace &trace) const;

  // What a reader does while it is awake, apart from that.
  void look(State &state, int thread, int number, Choices &choices,
            Trace &trace) const;

  // False while it sleeps.
  bool sleep(State &state, int thread, int number, Choices &choices,
             Trace &trace) const;

  // The kernel compares the word and puts the reader to sleep, in one.
  void fall_asleep(State &state, int thread, int number, Choices &choices,
                   Trace &trace) const;

  BellShape shape_;
  Mistake mistake_;
  std::vector<Step> publishing_;
  std::vector<Step> asking_;
};

} // namespace model::bell

#endif
