'use strict'
// Sizes in bytes of native/include/kg_layout.h, for those who read and count slots.

module.exports = {
  SLOT_BYTES: 384,
  /** Where the payload of a slot begins. */
  PAYLOAD_OFFSET: 40,
  /** What fits into the lead slot of a threat. */
  SOURCE_BYTES: 64,
  DETAILS_BYTES: 256,
  /** What a slot holds of a tail, and what each field in it has beside its
   * text. */
  TAIL_BYTES: 340,
  FIELD_HEADER: 8
}
