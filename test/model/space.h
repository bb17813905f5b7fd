// Backpressure: what reliable readers have not taken is not overwritten, C1 to
// C4, and a writer that waits for space is told of it, M1 and M2.
#ifndef MODEL_SPACE_H
#define MODEL_SPACE_H

#include "report.h"

namespace model {

void run_space(Report &report);

} // namespace model

#endif
