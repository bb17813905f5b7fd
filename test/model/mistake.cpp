#include "mistake.h"

#include <algorithm>

namespace model {

static const char *const FLAWS[] = {"none",
#define MODEL_FLAW_TEXT(name, text) text,
                                    MODEL_FLAWS(MODEL_FLAW_TEXT)
#undef MODEL_FLAW_TEXT
};

Mistake Mistake::of(Flaw flaw) {
  Mistake mistake;
  mistake.kind_ = Kind::flaw;
  mistake.flaw_ = flaw;
  return mistake;
}

Mistake Mistake::gone(Step step) {
  Mistake mistake;
  mistake.kind_ = Kind::gone;
  mistake.a_ = step;
  return mistake;
}

Mistake Mistake::weak(Step step) {
  Mistake mistake;
  mistake.kind_ = Kind::weak;
  mistake.a_ = step;
  return mistake;
}

Mistake Mistake::exchanged(Step first, Step second) {
  Mistake mistake;
  mistake.kind_ = Kind::exchanged;
  mistake.a_ = first;
  mistake.b_ = second;
  return mistake;
}

std::vector<Step> Mistake::applied_to(std::vector<Step> steps) const {
  auto place_of = [&](Step step) {
    return std::find(steps.begin(), steps.end(), step);
  };
  auto a = place_of(a_);
  if (kind_ == Kind::gone && a != steps.end()) {
    steps.erase(a);
  }
  if (kind_ == Kind::exchanged) {
    auto b = place_of(b_);
    if (a != steps.end() && b != steps.end()) {
      std::iter_swap(a, b);
    }
  }
  return steps;
}

std::string Mistake::name() const {
  switch (kind_) {
  case Kind::none:
    return "as it is";
  case Kind::flaw:
    return FLAWS[static_cast<int>(flaw_)];
  case Kind::gone:
    return std::string(name_of(a_)) + ": gone";
  case Kind::weak:
    return std::string(name_of(a_)) + ": relaxed";
  case Kind::exchanged:
    return std::string(name_of(b_)) + ": before " + name_of(a_);
  }
  return "";
}

std::vector<Mistake> mistakes_in(const std::vector<Step> &steps,
                                 const std::vector<Step> &fences,
                                 const std::vector<Step> &ordered) {
  std::vector<Mistake> mistakes;
  for (Step step : fences) {
    mistakes.push_back(Mistake::gone(step));
  }
  for (Step step : ordered) {
    mistakes.push_back(Mistake::weak(step));
  }
  for (size_t i = 1; i < steps.size(); i++) {
    mistakes.push_back(Mistake::exchanged(steps[i - 1], steps[i]));
  }
  return mistakes;
}

} // namespace model
