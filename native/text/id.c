#include <inttypes.h>
#include <stdio.h>

#include "../include/kg_ipc.h"

int kg_threat_id(const kg_threat *threat, uint64_t generation, char *made,
                 kg_text *id) {
  if (threat == NULL || made == NULL || id == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (threat->id.length > 0) {
    *id = threat->id;
    return KG_OK;
  }
  int length = snprintf(made, KG_ID_BYTES, "%016" PRIx64 "-%" PRIu64,
                        generation, threat->sequence);
  *id = (kg_text){made, (size_t)length};
  return KG_OK;
}
