/* What else is asked of the system: who this is, chance, and the CPU. */
#include "win32.h"

#include <bcrypt.h>

#include "cpu.h"

uint32_t kg__process_id(void) {
  return GetCurrentProcessId();
}

int kg__random(uint64_t *value, kg_failure *failure) {
  do {
    LONG status = BCryptGenRandom(NULL, (PUCHAR)value, sizeof *value,
                                  BCRYPT_USE_SYSTEM_PREFERRED_RNG);
    if (status != 0) {
      return kg__fail(failure, KG_E_SYSTEM, (int)status,
                      "BCryptGenRandom: status %08x", (unsigned)status);
    }
  } while (*value == 0);
  return KG_OK;
}

/* The headers of older compilers do not know it. */
#ifndef PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE
#define PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE 31
#endif

bool kg__cpu_has_crc32c(void) {
#if defined(__x86_64__)
  return kg__x86_has_crc32c();
#elif defined(__aarch64__)
  return IsProcessorFeaturePresent(PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE) != 0;
#else
  return false;
#endif
}
