// Every behaviour of a reader over what was written.
#ifndef MODEL_RING_EXPLORER_H
#define MODEL_RING_EXPLORER_H

#include "explorer.h"
#include "ring_reader.h"

namespace model {

// One reader over one history, from each of the places where it may begin.
Outcome explore_reader(const History &history, const Setup &setup,
                       const std::vector<From> &from, Leniency leniency,
                       size_t limit);

} // namespace model

#endif
