// The table that a run prints, and whether anything in it is a surprise.
#ifndef MODEL_REPORT_H
#define MODEL_REPORT_H

#include <string>

#include "explorer.h"

namespace model {

struct Options {
  bool is_long = false;    // everything, for minutes
  bool has_traces = false; // of what was caught, too
  std::string only;        // rows whose name contains this
  size_t limit = 0;        // states of one row; 0: the size's own
};

class Report {
public:
  explicit Report(const Options &options) : options_(options) {}

  const Options &options() const {
    return options_;
  }
  size_t limit() const;

  // Whether a row of this name is wanted.
  bool wants(const std::string &name) const;

  void section(const char *title);

  // Starts the clock of a row.
  void begin(const std::string &name, const std::string &size = "");

  void end_litmus(const Outcome &outcome, bool is_allowed, bool is_found);

  // Nothing may be found.
  void end_holds(const Outcome &outcome);

  // A seeded mistake, which must be caught. Or `harmless` says why nothing is
  // found, and then nothing may be.
  void end_mistake(const Outcome &outcome, const char *harmless);

  // A surprise that is not one of a row.
  void surprise(const std::string &what);

  int surprises() const {
    return surprises_;
  }
  int rows() const {
    return rows_;
  }

  // Seconds since this was made.
  double seconds() const;

private:
  void end(const Outcome &outcome, const std::string &result, bool is_right,
           bool tells);

  Options options_;
  std::string name_;
  std::string size_;
  double begun_ = 0;
  int surprises_ = 0;
  int rows_ = 0;
};

} // namespace model

#endif
