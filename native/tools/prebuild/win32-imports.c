/* What the addon asks of Node on Windows. An ordinary import names the program
 * that has the function, "node.exe", and an editor's program has another name.
 * So these are pointers of the addon's own, called as the compiler calls what
 * it takes for an import, and filled when the addon is loaded from whatever
 * program that is. The linker says when one is missing here. */
#include <windows.h>

#define FUNCTIONS(X)                   \
  X(napi_add_async_cleanup_hook)       \
  X(napi_add_finalizer)                \
  X(napi_call_function)                \
  X(napi_close_handle_scope)           \
  X(napi_create_array_with_length)     \
  X(napi_create_double)                \
  X(napi_create_error)                 \
  X(napi_create_function)              \
  X(napi_create_int32)                 \
  X(napi_create_object)                \
  X(napi_create_reference)             \
  X(napi_create_string_latin1)         \
  X(napi_create_string_utf8)           \
  X(napi_create_type_error)            \
  X(napi_define_class)                 \
  X(napi_define_properties)            \
  X(napi_delete_reference)             \
  X(napi_fatal_error)                  \
  X(napi_fatal_exception)              \
  X(napi_get_and_clear_last_exception) \
  X(napi_get_arraybuffer_info)         \
  X(napi_get_boolean)                  \
  X(napi_get_buffer_info)              \
  X(napi_get_cb_info)                  \
  X(napi_get_global)                   \
  X(napi_get_instance_data)            \
  X(napi_get_last_error_info)          \
  X(napi_get_named_property)           \
  X(napi_get_new_target)               \
  X(napi_get_property)                 \
  X(napi_get_reference_value)          \
  X(napi_get_typedarray_info)          \
  X(napi_get_undefined)                \
  X(napi_get_uv_event_loop)            \
  X(napi_get_value_bool)               \
  X(napi_get_value_double)             \
  X(napi_get_value_int64)              \
  X(napi_get_value_string_utf16)       \
  X(napi_get_value_string_utf8)        \
  X(napi_get_value_uint32)             \
  X(napi_has_property)                 \
  X(napi_is_buffer)                    \
  X(napi_is_exception_pending)         \
  X(napi_make_callback)                \
  X(napi_open_handle_scope)            \
  X(napi_reference_ref)                \
  X(napi_reference_unref)              \
  X(napi_remove_async_cleanup_hook)    \
  X(napi_remove_wrap)                  \
  X(napi_set_element)                  \
  X(napi_set_instance_data)            \
  X(napi_set_named_property)           \
  X(napi_throw)                        \
  X(napi_typeof)                       \
  X(napi_unwrap)                       \
  X(napi_wrap)                         \
  X(uv_async_init)                     \
  X(uv_async_send)                     \
  X(uv_close)                          \
  X(uv_cond_destroy)                   \
  X(uv_cond_init)                      \
  X(uv_cond_signal)                    \
  X(uv_cond_timedwait)                 \
  X(uv_hrtime)                         \
  X(uv_idle_init)                      \
  X(uv_idle_start)                     \
  X(uv_idle_stop)                      \
  X(uv_is_closing)                     \
  X(uv_mutex_destroy)                  \
  X(uv_mutex_init)                     \
  X(uv_mutex_lock)                     \
  X(uv_mutex_unlock)                   \
  X(uv_ref)                            \
  X(uv_strerror)                       \
  X(uv_thread_create)                  \
  X(uv_thread_join)                    \
  X(uv_unref)

#define X(name) FARPROC __imp_##name;
FUNCTIONS(X)
#undef X

static const struct {
  const char *name;
  FARPROC *place;
} functions[] = {
#define X(name) {#name, &__imp_##name},
    FUNCTIONS(X)
#undef X
};

/* Fills them; false when the program that runs lacks one. */
static BOOL find_functions(void) {
  HMODULE program = GetModuleHandleW(NULL);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    FARPROC found = GetProcAddress(program, functions[i].name);
    if (found == NULL) {
      return FALSE;
    }
    *functions[i].place = found;
  }
  return TRUE;
}

/* Called by the system. The addon stays loaded when a worker that has loaded it
 * ends: what it has made for all threads lives on. */
BOOL WINAPI DllMain(HINSTANCE addon, DWORD reason, void *reserved) {
  HMODULE kept;
  (void)reserved;
  return reason != DLL_PROCESS_ATTACH ||
         (find_functions() &&
          GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN |
                                 GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                             (LPCWSTR)addon, &kept));
}
