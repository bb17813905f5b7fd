// What writers do to a ring: publish, die, take over, replace it. Readers store
// nothing that a writer's order depends on, so all of it is done before the
// first reader comes: a load takes any value that it could have taken on the
// way, however old.
#ifndef MODEL_RING_WRITER_H
#define MODEL_RING_WRITER_H

#include <set>
#include <string>
#include <vector>

#include "memory.h"
#include "mistake.h"
#include "ring.h"
#include "trace.h"

namespace model {

struct Planned {
  bool is_priority;
  int span;
};

using Commit = std::vector<Planned>;

struct Scenario {
  std::vector<Commit> commits;
  // One for each writer that dies: in front of which of its stores.
  std::vector<int> deaths;
  bool has_heir = true;  // of the last one that dies
  int replaced_at = -1;  // the ring is replaced before this commit
  std::set<int> damaged; // positions whose slot never validates

  std::string text() const;
};

// What was written, for the checks.
struct Event {
  bool is_priority;
  int span;
  int payload;
  int counter;
  int position;
  int lane; // position of its lead slot there; -1: it is not there
};

inline int payload_of(const Event &event, int place) {
  return event.payload + 32 * place;
}

struct RingHistory {
  explicit RingHistory(const Ring &its_ring) : ring(its_ring) {}

  Ring ring;
  std::vector<Event> events = std::vector<Event>(1); // by sequence
  int published = 0; // the last sequence below head
  int end = 0;       // the last head
};

struct History {
  explicit History(int locations) : memory(locations, 1) {}

  Memory memory;
  std::vector<RingHistory> rings;
  std::set<int> damaged; // positions
  View end{};            // everything that was written
  View named{};          // what was seen before the second ring got its name
  std::string violation; // by a writer; empty: none
  int stores = 0;        // of the last writer
  bool has_died = false; // the last writer did
  std::vector<std::string> trace;
};

struct Setup {
  Shape shape;
  Mistake mistake;
  bool copies_backwards; // the last word of a slot first
};

History write(const Scenario &scenario, const Setup &setup, bool has_trace);

} // namespace model

#endif
