// The rows of the ring, of taking it over, of its lane, and of replacing it.
#ifndef MODEL_RING_ROWS_H
#define MODEL_RING_ROWS_H

#include "report.h"

namespace model {

void run_ring(Report &report);
void run_take_over(Report &report);
void run_lane(Report &report);
void run_replaced(Report &report);

} // namespace model

#endif
