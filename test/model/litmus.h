// Small programs whose outcomes C11 settles: does the memory itself behave?
#ifndef MODEL_LITMUS_H
#define MODEL_LITMUS_H

#include "report.h"

namespace model {

// Each is a row; one that comes out differently is a surprise.
void run_litmus(Report &report);

} // namespace model

#endif
