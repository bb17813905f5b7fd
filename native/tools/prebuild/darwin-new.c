/* zig's libc++ shows its operators new and delete, for other libraries to use
 * or to replace. In an addon, where nothing is thrown, they are nobody else's.
 */
#include <stdlib.h>

/* What C++ calls them in an object file, one underscore more for macOS. */
void *new_object(size_t bytes) __asm__("__Znwm");
void *new_array(size_t bytes) __asm__("__Znam");
void *new_aligned(size_t bytes,
                  size_t alignment) __asm__("__ZnwmSt11align_val_t");
void *new_aligned_array(size_t bytes,
                        size_t alignment) __asm__("__ZnamSt11align_val_t");
void delete_object(void *object) __asm__("__ZdlPv");
void delete_array(void *object) __asm__("__ZdaPv");
void delete_aligned(void *object,
                    size_t alignment) __asm__("__ZdlPvSt11align_val_t");
void delete_aligned_array(void *object,
                          size_t alignment) __asm__("__ZdaPvSt11align_val_t");

/* C++ has no null here: without exceptions, no memory is the end. */
static void *must(void *object) {
  if (object == NULL) {
    abort();
  }
  return object;
}

void *new_object(size_t bytes) {
  return must(malloc(bytes > 0 ? bytes : 1));
}

void *new_array(size_t bytes) {
  return new_object(bytes);
}

void *new_aligned(size_t bytes, size_t alignment) {
  void *object = NULL;
  return posix_memalign(&object, alignment, bytes > 0 ? bytes : 1) == 0
             ? object
             : must(NULL);
}

void *new_aligned_array(size_t bytes, size_t alignment) {
  return new_aligned(bytes, alignment);
}

void delete_object(void *object) {
  free(object);
}

void delete_array(void *object) {
  free(object);
}

void delete_aligned(void *object, size_t alignment) {
  (void)alignment;
  free(object);
}

void delete_aligned_array(void *object, size_t alignment) {
  (void)alignment;
  free(object);
}
