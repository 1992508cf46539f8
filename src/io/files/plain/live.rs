//! Which files have a decoder in memory: each may take a window of 64 MiB.

use super::Plain;
use std::sync::{Arc, Mutex, Weak};

/// Most decoders at once, but for those that decode right now: there is one such a device.
const MOST: usize = 4;

/// The files that have a decoder, the longest unused first.
#[derive(Debug, Default)]
pub(in crate::io::files) struct Live(Mutex<Vec<Weak<Plain>>>);

impl Live {
    /// Makes room for the decoder of `plain`, whose state the caller has locked.
    pub(super) fn used(&self, plain: &Arc<Plain>) {
        let mut live = self.0.lock().expect("not poisoned");
        live.retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), &raw const **plain));
        let mut over = (live.len() + 1).saturating_sub(MOST);
        live.retain(|other| {
            let gone = over > 0 && other.upgrade().is_none_or(|other| other.forget());
            over -= usize::from(gone);
            !gone
        });
        live.push(Arc::downgrade(plain));
    }
}
