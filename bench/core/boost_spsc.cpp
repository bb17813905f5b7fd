// boost::lockfree::spsc_queue in shared memory, as large as the ring, waiting
// without sleep. Its sender has the bytes ready and need not put them together.

#include <boost/lockfree/spsc_queue.hpp>
#include <new>

#include "harness.h"

using Queue =
    boost::lockfree::spsc_queue<event, boost::lockfree::capacity<8192>>;

const bool channel_spins = true;

static Queue *queues[2];
static event received[2];

void channel_prepare(int which, const char *, const char *) {
  queues[which] = new (shared_memory(sizeof(Queue))) Queue;
}

void channel_attach(int, bool) {}

void channel_send(int which, event *event) {
  while (!queues[which]->push(*event)) {
  }
}

void channel_receive(int which, kg_threat *threat) {
  while (!queues[which]->pop(received[which])) {
  }
  view_event(&received[which], threat);
}

void channel_remove() {}
