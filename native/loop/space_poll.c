#include "space_poll.h"

#include <stdlib.h>

#include "../file/writer_space.h"

struct kg_room_poll {
  uv_poll_t poll;
  kg_writer *writer;
  kg_room_callback on_room;
  kg_room_callback on_stopped;
  void *data;
};

static void on_readable(uv_poll_t *handle, int status, int events) {
  kg_room_poll *poll = handle->data;
  (void)status;
  (void)events;
  kg__writer_heard_of_room(poll->writer);
  poll->on_room(poll->data);
}

static void on_closed(uv_handle_t *handle) {
  kg_room_poll *poll = handle->data;
  kg_room_callback on_stopped = poll->on_stopped;
  void *data = poll->data;
  free(poll);
  if (on_stopped != NULL) {
    on_stopped(data);
  }
}

int kg_room_poll_start(kg_room_poll **started, uv_loop_t *loop,
                       kg_writer *writer, kg_room_callback on_room,
                       void *data) {
  intptr_t descriptor = kg__writer_listen_for_room(writer);
  if (descriptor < 0) {
    return UV_ENOTSUP;
  }
  kg_room_poll *poll = calloc(1, sizeof *poll);
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
  poll->on_room = on_room;
  poll->data = data;
  uv_unref((uv_handle_t *)&poll->poll);
  uv_poll_start(&poll->poll, UV_READABLE, on_readable);
  *started = poll;
  return 0;
}

void kg_room_poll_stop(kg_room_poll *poll, kg_room_callback on_stopped) {
  poll->on_stopped = on_stopped;
  uv_close((uv_handle_t *)&poll->poll, on_closed);
}
