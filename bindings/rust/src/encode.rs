//! A threat as C is given it, with what was deflated of it.

use std::marker::PhantomData;

use crate::sys;
use crate::threat::Threat;

/// It points into the threat, and into what it owns itself.
pub(crate) struct Encoded<'a> {
    raw: sys::kg_threat,
    _deflated: Vec<u8>,
    _threat: PhantomData<&'a Threat>,
}

impl<'a> Encoded<'a> {
    pub(crate) fn new(threat: &'a Threat, deflates: bool) -> Self {
        let mut raw = threat.as_c();
        let texts = [&raw.source, &raw.details, &raw.id, &raw.context];
        let bytes = texts.iter().fold(0usize, |sum, text| sum.saturating_add(text.length));
        let is_large = deflates && bytes >= sys::KG_DEFLATE_FROM;
        let deflated = if is_large { deflate(&raw) } else { Vec::new() };
        raw.deflated = sys::kg_text { bytes: deflated.as_ptr().cast(), length: deflated.len() };
        Encoded { raw, _deflated: deflated, _threat: PhantomData }
    }

    pub(crate) fn as_ptr(&self) -> *const sys::kg_threat {
        &self.raw
    }
}

/// Empty where the threat is to be written as it is.
fn deflate(raw: &sys::kg_threat) -> Vec<u8> {
    let mut bytes = Vec::new();
    // SAFETY: it takes nothing.
    if !unsafe { sys::kg_has_zlib() } {
        return bytes;
    }
    // SAFETY: the texts of `raw` are whole; without room nothing is written.
    let room = unsafe { sys::kg_continuation_encode(raw, std::ptr::null_mut(), 0) };
    // What cannot be encoded is refused by writing.
    let room = usize::try_from(room).unwrap_or(0);
    if room == 0 || bytes.try_reserve_exact(room).is_err() {
        return bytes;
    }
    bytes.resize(room, 0);
    // SAFETY: as above, and there is as much room as is said.
    let length =
        unsafe { sys::kg_continuation_deflate(raw, bytes.as_mut_ptr().cast(), bytes.len()) };
    bytes.truncate(usize::try_from(length).unwrap_or(0));
    bytes
}
