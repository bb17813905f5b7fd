#include "../include/kg_ipc.h"

const char *kg_version(void) {
  return KG_VERSION;
}
