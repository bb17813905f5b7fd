#include "memory.h"

#include <algorithm>

namespace model {

void join(View &view, const View &other) {
  for (size_t i = 0; i < view.size(); i++) {
    view[i] = std::max(view[i], other[i]);
  }
}

void Views::see(const View &view) {
  join(current, view);
  join(acquirable, view);
}

static bool acquires(Order order) {
  return order == Order::acquire || order == Order::acquire_release;
}

static bool releases(Order order) {
  return order == Order::release || order == Order::acquire_release;
}

static int size_of(const std::vector<Message> &messages) {
  return static_cast<int>(messages.size());
}

Memory::Memory(int locations, int threads)
    : history_(locations, {Message{0, View{}, false}}), threads_(threads),
      is_over_(threads) {}

static void read(Views &views, int location, int at, const Message &message,
                 Order order) {
  views.current[location] = static_cast<uint8_t>(at);
  views.acquirable[location] =
      std::max(views.acquirable[location], views.current[location]);
  join(views.acquirable, message.view);
  if (acquires(order)) {
    join(views.current, message.view);
  }
}

int Memory::load(Views &views, int location, Order order,
                 Choices &choices) const {
  const std::vector<Message> &messages = history_[location];
  // The newest first: counterexamples are easier to follow that way.
  int last = size_of(messages) - 1;
  int at = last - choices.choose(last - views.current[location] + 1);
  read(views, location, at, messages[at], order);
  return messages[at].value;
}

// Puts a message at index `at`; those from there on move up by one.
void Memory::insert(int thread, int location, int at, Message message,
                    Order order, const View *read) {
  auto move_up = [=](View &view) {
    if (view[location] >= at) {
      view[location]++;
    }
  };
  if (at < size_of(history_[location])) {
    for (std::vector<Message> &messages : history_) {
      for (Message &other : messages) {
        move_up(other.view);
      }
    }
    for (Views &views : threads_) {
      move_up(views.current);
      move_up(views.acquirable);
      move_up(views.releasable);
    }
    move_up(seq_cst_);
    move_up(kernel_);
  }
  Views &views = threads_[thread];
  views.current[location] = static_cast<uint8_t>(at);
  views.acquirable[location] =
      std::max(views.acquirable[location], views.current[location]);
  message.view = releases(order) ? views.current : views.releasable;
  message.view[location] =
      std::max(message.view[location], views.current[location]);
  if (read != nullptr) {
    join(message.view, *read);
  }
  history_[location].insert(history_[location].begin() + at, message);
}

void Memory::store(int thread, int location, int value, Order order,
                   Choices &choices) {
  std::vector<Message> &messages = history_[location];
  std::vector<int> places;
  for (int at = size_of(messages); at > threads_[thread].current[location];
       at--) {
    if (at == size_of(messages) || !messages[at].is_update) {
      places.push_back(at);
    }
  }
  int at = places[choices.choose(static_cast<int>(places.size()))];
  insert(thread, location, at, {value, View{}, false}, order, nullptr);
}

int Memory::update(int thread, int location,
                   const std::function<int(int)> &change, Order order,
                   Choices &choices) {
  std::vector<Message> &messages = history_[location];
  std::vector<int> places;
  for (int at = size_of(messages) - 1; at >= threads_[thread].current[location];
       at--) {
    if (at + 1 == size_of(messages) || !messages[at + 1].is_update) {
      places.push_back(at);
    }
  }
  int at = places[choices.choose(static_cast<int>(places.size()))];
  Message found = messages[at];
  read(threads_[thread], location, at, found, order);
  // The message that was read may move up when the new one is put behind it,
  // but its view of this location never points behind itself.
  insert(thread, location, at + 1, {change(found.value), View{}, true}, order,
         &found.view);
  return found.value;
}

void Memory::fence_seq_cst(int thread) {
  Views &views = threads_[thread];
  join(views.acquirable, seq_cst_);
  views.current = views.releasable = seq_cst_ = views.acquirable;
}

void Memory::enter_kernel(int thread) {
  threads_[thread].see(kernel_);
  join(kernel_, threads_[thread].current);
}

void Memory::append_key(std::string &key) const {
  // What no thread can read any more makes no difference, nor does how far an
  // old view lies behind what every thread has seen.
  View least;
  for (size_t i = 0; i < history_.size(); i++) {
    least[i] = static_cast<uint8_t>(history_[i].size() - 1);
  }
  for (size_t thread = 0; thread < threads_.size(); thread++) {
    for (size_t i = 0; i < history_.size() && !is_over_[thread]; i++) {
      least[i] = std::min(least[i], threads_[thread].current[i]);
    }
  }
  auto append_view = [&](const View &view) {
    for (size_t i = 0; i < history_.size(); i++) {
      key.push_back(
          static_cast<char>(view[i] < least[i] ? 0 : view[i] - least[i]));
    }
  };
  for (size_t i = 0; i < history_.size(); i++) {
    const std::vector<Message> &messages = history_[i];
    key.push_back(static_cast<char>(messages.size() - least[i]));
    for (size_t at = least[i]; at < messages.size(); at++) {
      const Message &message = messages[at];
      key.append(reinterpret_cast<const char *>(&message.value),
                 sizeof message.value);
      append_view(message.view);
      // Nothing can come in front of the first.
      key.push_back(message.is_update && at > least[i] ? 1 : 0);
    }
  }
  for (size_t thread = 0; thread < threads_.size(); thread++) {
    if (!is_over_[thread]) {
      append_view(threads_[thread].current);
      append_view(threads_[thread].acquirable);
      append_view(threads_[thread].releasable);
    }
  }
  append_view(seq_cst_);
  append_view(kernel_);
}

} // namespace model
