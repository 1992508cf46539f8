//! A reboot: device numbers may be others, and a power cut may have eaten ends. The store names the boot before until each
//! saved file was met, or looked for where it may be: an agent that could not get at one leaves it to the next.

use super::{Engine, Level};
use crate::event::Now;
use crate::follow::{Ending, File};
use crate::state::Put;

/// This boot of the machine, and what is known of the one before.
#[derive(Debug)]
pub(super) struct Boot {
    /// As the kernel names it; empty where it cannot be told: then no reboot is noticed.
    id: String,
    /// Wall time at which it began.
    pub(super) began: i64,
    /// What the store knows is of another boot.
    pub(super) is_new: bool,
    /// The store names it.
    saved: bool,
}

impl Boot {
    pub(super) fn new(id: String, began: i64) -> Self {
        Self { saved: id.is_empty(), id, began, is_new: false }
    }
}

impl Engine {
    /// The store names this boot. One that names none knows no file of another.
    pub(super) fn loaded_boot(&mut self, saved: &str, now: Now) {
        self.boot.saved |= saved == self.boot.id;
        self.boot.is_new = !self.boot.saved && !saved.is_empty();
        if saved.is_empty() {
            self.save_boot(now);
        }
    }

    /// After a complete scan: where each saved file was met or looked for, the boot before is over and done with.
    pub(super) fn conclude_boot(&mut self, now: Now) {
        if !self.boot.saved && !self.asked.is_looking_beside() && self.files.values().all(is_looked_for) {
            self.note(Level::Debug, "boot", "every saved file was looked for since the machine was booted");
            self.save_boot(now);
        }
    }

    fn save_boot(&mut self, now: Now) {
        if !self.boot.saved {
            self.boot.saved = true;
            self.keeper.later(Put::Boot(self.boot.id.clone()));
            self.save_soon(now);
        }
    }
}

/// What only flows of another configuration followed, nobody reads.
fn is_looked_for(file: &File) -> bool {
    let met = file.handle.is_some() || !file.names.is_empty() || !file.last_read.is_zero();
    met || file.missed > 0 || file.ending == Ending::Gone || file.cursors.is_empty()
}
