// Rows of the table that are alike: programs as they are, and with mistakes.
#ifndef MODEL_ROWS_H
#define MODEL_ROWS_H

#include <functional>
#include <memory>
#include <utility>

#include "mistake.h"
#include "report.h"

namespace model {

// A mistake, and why it does no harm; null: it must be caught.
struct Seeded {
  Mistake mistake;
  const char *harmless = nullptr;
};

// Each of `mistakes`, with the reasons of those that do no harm.
std::vector<Seeded>
seeded(const std::vector<Mistake> &mistakes,
       const std::vector<std::pair<Mistake, const char *>> &harmless = {});

// One thing to run: a program, or a sweep over many.
struct Row {
  std::string name;
  std::string size;
  std::function<Outcome(const Mistake &mistake, size_t limit)> run;
};

// For a Program that is made of a shape and a mistake.
template <typename Kind, typename Shape>
Row row_of(const char *name, const std::string &size, const Shape &shape) {
  return {name, size, [shape](const Mistake &mistake, size_t limit) {
            return explore(Kind(shape, mistake), limit);
          }};
}

// Each row as it is.
void run_rows(Report &report, const std::vector<Row> &rows);

// Each mistake in one row after the other, until it is caught.
void run_mistakes(Report &report, const std::vector<Seeded> &mistakes,
                  const std::vector<Row> &rows);

} // namespace model

#endif
