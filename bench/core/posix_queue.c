/* A POSIX message queue, which sleeps while it waits. */

#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "harness.h"

const bool channel_spins = false;

static mqd_t queues[2];
static struct event received[2];

/* As long as it may be: most systems allow ten to ordinary users. */
static mqd_t create(const char *name) {
  static const long lengths[] = {8192, 1024, 128, 10};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct mq_attr attributes = {.mq_maxmsg = lengths[i],
                                 .mq_msgsize = sizeof(struct event)};
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    if (queue != (mqd_t)-1)
      return queue;
  }
  give_up("mq_open");
  return (mqd_t)-1;
}

void channel_prepare(int which, const char *variant, const char *dir) {
  (void)variant;
  (void)dir;
  char name[64];
  snprintf(name, sizeof name, "/kg-bench-%d-%d", (int)getpid(), which);
  queues[which] = create(name);
  mq_unlink(name);
}

void channel_attach(int which, bool is_writer) {
  (void)which;
  (void)is_writer;
}

void channel_send(int which, struct event *event) {
  if (mq_send(queues[which], (const char *)event, sizeof *event, 0) != 0) {
    give_up("mq_send");
  }
}

void channel_receive(int which, kg_threat *threat) {
  if (mq_receive(queues[which], (char *)&received[which], sizeof(struct event),
                 NULL) < 0) {
    give_up("mq_receive");
  }
  view_event(&received[which], threat);
}

void channel_remove(void) {}
