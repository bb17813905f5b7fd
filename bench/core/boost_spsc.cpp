// boost::lockfree::spsc_queue in shared memory, as large as the ring, waiting
// without sleep, read in place. Its sender has the bytes ready and need not put
// them together. VARIANT: `-`, its reader lets events gather as the core's
// does; `eager`, it looks at once; `crc`, as the first, sealed and verified
// with the core's checksum.

#include <boost/lockfree/spsc_queue.hpp>
#include <cstring>
#include <new>

#include "gather.h"
#include "harness.h"

using Queue =
    boost::lockfree::spsc_queue<event, boost::lockfree::capacity<8192>>;

const bool channel_spins = true;

struct channel {
  Queue *queue;
  bool is_eager;
  bool is_sealed;
  bool holds; // what was received last is still in the queue
  uint64_t received;
  struct gather gather;
};

static channel channels[2];

void channel_prepare(int which, const char *variant, const char *) {
  channel &channel = channels[which];
  channel.queue = new (shared_memory(sizeof(Queue))) Queue;
  channel.is_eager = std::strcmp(variant, "eager") == 0;
  channel.is_sealed = std::strcmp(variant, "crc") == 0;
}

void channel_attach(int, bool) {}

void channel_send(int which, event *event) {
  channel &channel = channels[which];
  if (channel.is_sealed)
    seal_event(event);
  while (!channel.queue->push(*event)) {
  }
}

void channel_receive(int which, kg_threat *threat) {
  channel &channel = channels[which];
  if (channel.holds)
    channel.queue->pop();
  if (channel.queue->read_available() == 0) {
    if (!channel.is_eager)
      gather(&channel.gather, channel.received);
    while (channel.queue->read_available() == 0) {
    }
  }
  const event &event = channel.queue->front();
  if (channel.is_sealed && !is_sealed(&event))
    give_up("checksum");
  channel.holds = true;
  channel.received++;
  view_event(&event, threat);
}

void channel_remove() {}
