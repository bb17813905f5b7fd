/* Mappings that come and go in several threads. */
#include <pthread.h>
#include <stdio.h>

#include "../file_fixture.h"

static void *come_and_go(void *dir) {
  const kg_ring_options options = {.dir = dir};
  for (int i = 0; i < 200; i++) {
    kg_reader *reader = NULL;
    kg_failure failure;
    CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
    kg_reader_close(reader);
  }
  return NULL;
}

TEST(threads, "F22 F45 mappings that come and go in several threads") {
  char dir[128];
  pthread_t threads[4];
  snprintf(dir, sizeof dir, "%s", check_temp_dir());
  kg_writer *writer = open_writer(dir, 16);
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_create(&threads[i], NULL, come_and_go, dir) == 0);
  }
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  kg_writer_close(writer);
}
