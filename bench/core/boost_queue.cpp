// boost::interprocess::message_queue, which sleeps while it waits.

#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <string>

#include "harness.h"

using boost::interprocess::create_only;
using boost::interprocess::message_queue;

const bool channel_spins = false;

static message_queue *queues[2];
static event received[2];

// Both processes inherit it, so it needs its name for a moment only, and
// nothing is left behind whatever happens.
void channel_prepare(int which, const char *, const char *) {
  const std::string name =
      "kg-bench-" + std::to_string(getpid()) + "-" + std::to_string(which);
  message_queue::remove(name.c_str());
  queues[which] =
      new message_queue(create_only, name.c_str(), 8192, sizeof(event));
  message_queue::remove(name.c_str());
}

void channel_attach(int, bool) {}

void channel_send(int which, event *event) {
  queues[which]->send(event, sizeof *event, 0);
}

void channel_receive(int which, kg_threat *threat) {
  message_queue::size_type size;
  unsigned priority;
  queues[which]->receive(&received[which], sizeof(event), size, priority);
  view_event(&received[which], threat);
}

void channel_remove() {}
