// What the addon needs of C++'s library beyond headers. The libraries that zig
// has would have to be compiled first, a minute for each target, and of what
// they bring along nobody here throws, catches or asks for a type.
#include <cstdlib>
#include <new>
#include <string>

namespace {

// C++ has no null here: without exceptions, no memory is the end.
void *Allocate(std::size_t bytes) {
  void *memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

} // namespace

void *operator new(std::size_t bytes) {
  return Allocate(bytes);
}

void *operator new[](std::size_t bytes) {
  return Allocate(bytes);
}

void *operator new[](std::size_t bytes, const std::nothrow_t &) noexcept {
  return std::malloc(bytes > 0 ? bytes : 1);
}

void operator delete(void *memory) noexcept {
  std::free(memory);
}

void operator delete[](void *memory) noexcept {
  std::free(memory);
}

extern "C" void __cxa_pure_virtual() {
  std::abort();
}

_LIBCPP_BEGIN_NAMESPACE_STD
// Called instead of throwing, such as for a string that is too long.
void __libcpp_verbose_abort(const char *, ...) {
  std::abort();
}
_LIBCPP_END_NAMESPACE_STD

namespace std {
const nothrow_t nothrow{};
}

// The headers promise that somebody has these.
template class std::basic_string<char>;
