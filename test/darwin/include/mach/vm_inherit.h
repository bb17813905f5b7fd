/* As much of <mach/vm_inherit.h> of macOS as darwin.c needs. */
#ifndef KG_DARWIN_VM_INHERIT_H
#define KG_DARWIN_VM_INHERIT_H

#define VM_INHERIT_NONE 2

#endif
