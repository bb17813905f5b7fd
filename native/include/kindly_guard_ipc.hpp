/* kindly-guard-ipc for C++11 and later: kg_ipc.h with handles that are closed
 * by their destructor, texts as std::string, and errors as exceptions. Nothing
 * to link but the library for C.
 *
 * * A Writer or a Reader can be moved, and not copied. It belongs to one thread
 * at a time, but for what says otherwise. One that was moved from, or closed,
 * throws ERR_CLOSED.
 * * What fails throws Error: its code() is that of docs/errors.md, its number()
 * enum kg_error. Losses are no errors: they are data. */
#ifndef KINDLY_GUARD_IPC_HPP
#define KINDLY_GUARD_IPC_HPP

#include "kg_reader.hpp"
#include "kg_threat.hpp"
#include "kg_writer.hpp"

#endif
