#include "space_poll.h"

#include <stdlib.h>

#include "../file/writer.h"

struct kg_space_poll {
  uv_poll_t poll;
  kg_writer *writer;
  kg_space_callback on_space;
  kg_space_callback on_stopped;
  void *data;
};

static void on_readable(uv_poll_t *handle, int status, int events) {
  kg_space_poll *poll = handle->data;
  (void)status;
  (void)events;
  kg__writer_drain_listener(poll->writer);
  poll->on_space(poll->data);
}

static void on_closed(uv_handle_t *handle) {
  kg_space_poll *poll = handle->data;
  kg_space_callback on_stopped = poll->on_stopped;
  void *data = poll->data;
  free(poll);
  if (on_stopped != NULL) {
    on_stopped(data);
  }
}

int kg_space_poll_start(kg_space_poll **started, uv_loop_t *loop,
                        kg_writer *writer, kg_space_callback on_space,
                        void *data) {
  intptr_t descriptor = kg__writer_open_listener(writer);
  if (descriptor < 0) {
    return UV_ENOTSUP;
  }
  kg_space_poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) {
    return UV_ENOMEM;
  }
  int result = uv_poll_init(loop, &poll->poll, (int)descriptor);
  if (result != 0) {
    free(poll);
    return result;
  }
  poll->poll.data = poll;
  poll->writer = writer;
  poll->on_space = on_space;
  poll->data = data;
  uv_unref((uv_handle_t *)&poll->poll);
  uv_poll_start(&poll->poll, UV_READABLE, on_readable);
  *started = poll;
  return 0;
}

void kg_space_poll_stop(kg_space_poll *poll, kg_space_callback on_stopped) {
  poll->on_stopped = on_stopped;
  uv_close((uv_handle_t *)&poll->poll, on_closed);
}
