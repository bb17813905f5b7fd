// What two threads of one process share: the poll thread and the loop (A, P, E
// labels), and the table of mappings that a signal's handler reads (G labels).
#ifndef MODEL_PROCESS_H
#define MODEL_PROCESS_H

#include "report.h"

namespace model {

void run_process(Report &report);

} // namespace model

#endif
