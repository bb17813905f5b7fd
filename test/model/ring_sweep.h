// All scenarios of one size, one after the other.
#ifndef MODEL_RING_SWEEP_H
#define MODEL_RING_SWEEP_H

#include "report.h"
#include "ring_explorer.h"

namespace model {

struct Sweep {
  const char *name;
  Shape shape;
  int events;
  std::vector<From> from{From::first};
  bool has_spans = false;      // events of one slot and of two
  bool has_priorities = false; // with and without
  int deaths = 0;
  bool is_replaced = false;
  bool is_damaged = false; // one slot of each scenario never validates
  bool copies_backwards = false;

  // "4 slots, batch 2, 5 events".
  std::string size() const;
};

// Ends with the first scenario that violates something.
Outcome run_sweep(const Sweep &sweep, const Mistake &mistake, size_t limit);

} // namespace model

#endif
