// Going to sleep while the writer publishes, W5 to W7 against S1 and S2.
#ifndef MODEL_BELL_H
#define MODEL_BELL_H

#include "report.h"

namespace model {

void run_bell(Report &report);

} // namespace model

#endif
