// Shared memory as C11's atomics allow it to look, operationally: a location
// keeps every value that was ever stored in it, in modification order, and a
// load takes any of them that is not older than what its thread has seen.
//
// A view says, for each location, which message is the oldest that may still
// be read. A thread has three:
//
//   current    what it has seen
//   acquirable what it will have seen after an acquire fence
//   releasable what its relaxed stores carry: what it had seen at its last
//              release fence
//
// A store carries a view along, and who acquires the store has seen that view.
// seq_cst fences have one view in common. Loads and stores of a thread take
// place in its order, so what C11 allows beyond that, a load that takes a
// value which is stored later (load buffering), does not appear here: where
// only that would show a mistake, the model runs the exchanged order.
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "choices.h"

namespace model {

enum class Order { relaxed, acquire, release, acquire_release };

// A multiple of 8, so that joining two views is a few wide instructions.
constexpr int MAX_LOCATIONS = 48;
using View = std::array<uint8_t, MAX_LOCATIONS>;

void join(View &view, const View &other);

struct Views {
  View current{};
  View acquirable{};
  View releasable{};

  void fence_acquire() {
    current = acquirable;
  }
  void fence_release() {
    releasable = current;
  }
  void see(const View &view);
};

struct Message {
  int value;
  View view;
  bool is_update; // by a read-modify-write: nothing comes between it and what
                  // it has read
};

class Memory {
public:
  Memory(int locations, int threads);

  int load(int thread, int location, Order order, Choices &choices) {
    return load(threads_[thread], location, order, choices);
  }
  // By a thread that never stores, and so needs no number.
  int load(Views &views, int location, Order order, Choices &choices) const;

  void store(int thread, int location, int value, Order order,
             Choices &choices);

  // A read-modify-write; returns what it has read.
  int update(int thread, int location, const std::function<int(int)> &change,
             Order order, Choices &choices);

  void fence_seq_cst(int thread);

  // A system call that takes a lock of the kernel's and gives it back: it sees
  // what threads that were there before it had seen.
  void enter_kernel(int thread);

  // The thread takes no step any more, so what it has seen makes no difference.
  void end(int thread) {
    is_over_[thread] = true;
  }

  Views &views(int thread) {
    return threads_[thread];
  }

  int newest(int location) const {
    return history_[location].back().value;
  }

  // All values of a location, in modification order.
  const std::vector<Message> &history(int location) const {
    return history_[location];
  }

  // Everything that can make a difference to what its threads read, as bytes.
  void append_key(std::string &key) const;

private:
  void insert(int thread, int location, int at, Message message, Order order,
              const View *read);

  std::vector<std::vector<Message>> history_;
  std::vector<Views> threads_;
  std::vector<bool> is_over_;
  View seq_cst_{};
  View kernel_{};
};

} // namespace model

#endif
