#include "steps.h"

#include <cstdio>

namespace model {

uint64_t steps_taken[static_cast<int>(Step::COUNT)];

// Labels are of two characters.
#define MODEL_STEP_TEXT(name, text) sizeof #name == 3 ? #name " " text : text,

static const char *const NAMES[] = {MODEL_STEPS(MODEL_STEP_TEXT)};

const char *name_of(Step step) {
  return NAMES[static_cast<int>(step)];
}

bool all_steps_taken() {
  bool all = true;
  for (int i = 0; i < static_cast<int>(Step::COUNT); i++) {
    if (steps_taken[i] == 0) {
      std::printf("never taken: %s\n", NAMES[i]);
      all = false;
    }
  }
  return all;
}

} // namespace model
