/* What this system offers, for people. */
#include <string.h>

#include "../include/kg_ipc.h"
#include "../platform/platform.h"
#include "../ring/crc32c.h"
#include "segment.h"

int kg_default_directory(char *path, kg_failure *failure) {
  const kg_ring_options none = {0};
  kg__dir dir;
  int result = kg__segment_dir_for_writer(&none, &dir, failure);
  if (result == KG_OK) {
    memcpy(path, dir.path, sizeof dir.path);
    kg__dir_close(&dir);
  }
  return result;
}

const char *kg_checksum_method(void) {
  return kg__crc32c_method();
}
